import { resolve } from 'node:path'
import { OcibakeError } from '../errors.ts'
import type { Finding } from '../import/finding.ts'
import type { Imported } from '../import/imported.ts'
import { specOfDraft } from '../import/spec-of-draft.ts'
import { hostPlatform, type Platform } from '../oci/platform.ts'
import { printable } from '../report/printable.ts'
import { count } from '../report/quantities.ts'
import type { LoadedSpec } from '../spec/load.ts'
import { platformsOf } from '../spec/platforms.ts'
import { validate } from '../spec/validate.ts'
import { importFile } from './import-file.ts'
import { isDockerfile } from './is-dockerfile.ts'
import type { SpecOptions } from './options.ts'
import type { Surroundings } from './surroundings.ts'

export interface LoadedTemplate {
  /** Of each build of the template one for each platform. */
  readonly builds: readonly (readonly LoadedSpec[])[]
  readonly warnings: readonly { readonly message: string; readonly hint: string }[]
  /** For `env:` secrets of the specs. */
  readonly environment: Readonly<Record<string, string>>
}

/**
 * The specs that an import of a template or a Dockerfile would write, without writing them; relative paths start at the current folder.
 * @param platforms instead of what the template says; undefined: that
 * @throws USAGE for a Dockerfile of several images; TEMPLATE_INCOMPLETE for what cannot be imported, unless that is to be left out; and whatever an import and a spec
 * throw
 */
export async function loadTemplate(
  file: string,
  platforms: readonly Platform[] | undefined,
  options: SpecOptions,
  around: Surroundings,
): Promise<LoadedTemplate> {
  const folder = resolve('.')
  // What is in a Dockerfile may depend on the platform; what is in a Packer template does not.
  const wanted = isDockerfile(file) ? (platforms ?? [hostPlatform()]) : [undefined]
  const imports: Imported[] = []
  for (const platform of wanted) imports.push(await importFile(file, folder, options, around, platform))
  const findings = distinct(imports.flatMap((imported) => imported.findings))
  const { images } = imports[0]!
  if (isDockerfile(file) && images.length > 1) throw severalStages(file, images.length)
  const todos = findings.filter(({ kind }) => kind === 'todo')
  if (todos.length > 0 && options.ignoreTodos !== true) throw incomplete(file, todos)
  const builds = images.map((image, at) => {
    const named = images.length === 1 ? file : `${file} (${image.draft.name})`
    const specs = imports.map((imported) => {
      const { draft } = imported.images[at]!
      const spec = validate(specOfDraft(draft, { vars: {}, env: around.env, folder }), named)
      return { spec, file: named, folder, name: draft.name }
    })
    const own = platforms ?? platformsOf(specs[0]!.spec)
    return own.map((platform, i) => ({ ...(specs[i] ?? specs[0]!), platform }))
  })
  const told = findings.filter(({ kind }) => kind === 'todo' || kind === 'differs')
  return {
    builds,
    warnings: told.map((finding) => ({ message: line(finding), hint: printable(finding.advice) })),
    environment: Object.assign({}, ...imports.map((imported) => imported.environment)),
  }
}

/** What is found for each platform is told once. */
function distinct(findings: readonly Finding[]): Finding[] {
  return [...new Map(findings.map((finding) => [JSON.stringify(finding), finding])).values()]
}

/** Each is built on what another leaves in files, for which there is no place here. */
function severalStages(file: string, images: number): OcibakeError {
  return new OcibakeError('USAGE', `${file} takes ${images} images, which are built one from the other.`, {
    hint: `Write their specs, and build them in the order that is told: ocibake import ${file}`,
  })
}

function incomplete(file: string, todos: readonly Finding[]): OcibakeError {
  const lines = todos.map((finding) => `  ${line(finding)}`)
  const message = `${file} has ${count(todos.length, 'part')} that cannot be imported:\n${lines.join('\n')}`
  return new OcibakeError('TEMPLATE_INCOMPLETE', message, {
    hint: `Import it and complete the spec: ocibake import ${file}. To build without these parts: --ignore-todos`,
  })
}

function line({ id, place, says }: Finding): string {
  return printable(`${place.file}:${place.line}: ${id}: ${says}`)
}
