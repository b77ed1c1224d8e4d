import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { describe, expect, it } from 'vitest'

const SOURCE = join(import.meta.dirname, '../src')

/** Who stands on whom: docs of the house are in CONTRIBUTING.md. A file imports its own floor or one below. */
const FLOORS: readonly [test: RegExp, floor: number][] = [
  [/^cli(\.ts|\/)/, 5],
  [/^(build(\.ts|\/)|report\/|doctor\/|import\/|index\.ts)/, 4],
  [/^spec\//, 3],
  [/^(registry|provision|sbom)\//, 2],
  [/^(oci|network|secrets)\//, 1],
  [/^(errors|events)\.ts/, 0],
]

const files = readdirSync(SOURCE, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'))

function floorOf(file: string): number {
  const found = FLOORS.find(([test]) => test.test(file))
  if (found === undefined) throw new Error(`src/${file} stands on no floor`)
  return found[1]
}

/** The files of ours that a file imports, types included. */
function importsOf(file: string): string[] {
  const text = readFileSync(join(SOURCE, file), 'utf8')
  const found = text.matchAll(/(?:from|import)\s*\(?\s*'(\.[^']+)'/g)
  return [...found].map(([, path]) => relative(SOURCE, join(SOURCE, dirname(file), path!)))
}

describe('the floors of the house', () => {
  it.each(files)('src/%s imports nothing from above', (file) => {
    for (const imported of importsOf(file).filter((path) => path.endsWith('.ts'))) {
      expect(floorOf(imported), `${file} imports ${imported}`).toBeLessThanOrEqual(floorOf(file))
    }
  })

  it('keeps registry and provision from knowing each other', () => {
    for (const file of files) {
      const other = file.startsWith('registry/')
        ? 'provision/'
        : file.startsWith('provision/')
          ? 'registry/'
          : undefined
      if (other !== undefined)
        expect(
          importsOf(file).filter((path) => path.startsWith(other)),
          file,
        ).toEqual([])
    }
  })

  it('keeps the list of what is in an image from those that make and move it', () => {
    const users = files.filter((file) => importsOf(file).some((path) => path.startsWith('sbom/')))
    expect(users.filter((file) => !file.startsWith('sbom/'))).toEqual(['build/sbom.ts'])
    // A build that nobody wants a list of does not load it.
    const loads = /^(import|export) (?!type)[^']*from '[^']*\/sbom\.ts'/m
    expect(files.filter((file) => loads.test(readFileSync(join(SOURCE, file), 'utf8')))).toEqual([])
  })

  it('has no import cycle', () => {
    const done = new Set<string>()
    const visit = (file: string, path: readonly string[]) => {
      expect(path, `${[...path, file].join(' -> ')}`).not.toContain(file)
      if (done.has(file)) return
      for (const imported of importsOf(file)) if (imported.endsWith('.ts')) visit(imported, [...path, file])
      done.add(file)
    }
    for (const file of files) visit(file, [])
  })

  it('reads process.argv, process.env and prints in cli.ts only', () => {
    for (const file of files.filter((name) => name !== 'cli.ts')) {
      const text = readFileSync(join(SOURCE, file), 'utf8').replace(/^\s*(\*|\/\/|\/\*).*$/gm, '')
      expect(text.match(/process\.(argv|env|stdout|stderr|exit)\b|console\./g), file).toBeNull()
    }
  })

  it('keeps each file short enough for one idea', () => {
    const long = files.filter((file) => readFileSync(join(SOURCE, file), 'utf8').split('\n').length > 250)
    expect(long).toEqual([])
  })
})
