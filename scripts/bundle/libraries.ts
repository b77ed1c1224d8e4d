import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

interface Library {
  readonly name: string
  readonly version: string
  readonly license: string
  /** As it comes with the library; empty when none does. */
  readonly text: string
}

/**
 * The names, versions and licences of the libraries whose modules are among these, for whoever gets them with ours.
 * @param compiled folders of libraries that are compiled into modules of ours
 */
export function libraryLicences(modules: readonly string[], compiled: readonly string[]): string {
  const folders = new Set([...modules.flatMap((id) => libraryFolder(id) ?? []), ...compiled])
  const libraries = [...folders].map(libraryAt)
  const texts = Map.groupBy(libraries, ({ text, license }) => text || license)
  const sections = [...texts].map(([text, own]) => `${own.map(lineOf).sort().join('\n')}\n\n${text.trim()}\n`)
  return `The files in this folder contain these libraries:\n\n${sections.sort().join(`\n${'-'.repeat(80)}\n\n`)}`
}

const lineOf = ({ name, version, license }: Library) => `${name} ${version} (${license})`

/** The folder of the library that has the module; undefined for one of ours. */
export function libraryFolder(id: string): string | undefined {
  // The longest, since libraries bring libraries; inner folders may have a package.json that names no version.
  return /^\0?(.*\/node_modules\/(?:@[^/]+\/)?[^/]+)/.exec(id)?.[1]
}

function libraryAt(folder: string): Library {
  const { name, version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
  if (typeof license !== 'string') throw new Error(`${folder} names no license`)
  const file = readdirSync(folder).find((entry) => /^(licen[cs]e|copying)/i.test(entry))
  return { name, version, license, text: file === undefined ? '' : readFileSync(join(folder, file), 'utf8') }
}
