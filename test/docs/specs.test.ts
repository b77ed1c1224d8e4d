import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { z } from 'zod'
import { scratchConfig } from '../../src/oci/config.ts'
import { configure } from '../../src/oci/configure.ts'
import { DEBIAN_VARIANTS } from '../../src/provision/mmdebstrap.ts'
import { NORMALISERS } from '../../src/provision/normalisers.ts'
import { loadSpecs } from '../../src/spec/load.ts'
import { makePlan } from '../../src/spec/plan.ts'
import { specSchema } from '../../src/spec/schema.ts'
import { stepSchemas } from '../../src/spec/step-schemas.ts'
import { runCli } from '../support/cli.ts'
import { docExamples } from '../support/doc-examples.ts'
import { testFolder } from '../support/folder.ts'
import { codeSpansIn, sectionOf } from '../support/markdown.ts'

const EXAMPLES = docExamples()

async function written(folder: string): Promise<string[]> {
  const files = EXAMPLES.map(({ where }) => `${where.replace(/[^a-z0-9]+/gi, '-')}.spec.ts`)
  for (const [at, { module }] of EXAMPLES.entries()) await writeFile(join(folder, files[at]!), module)
  return files
}

/** What Node itself makes of the examples; here, outside of the test runner's own TypeScript. */
async function validated(): Promise<{ code: number; stdout: string; stderr: string }> {
  const folder = await testFolder()
  const files = await written(folder)
  const before = EXAMPLES.map(({ where }, at) => `${files[at]} is ${where}`).join('\n')
  const { code, stdout, stderr } = await runCli(['validate', ...files], { cache: join(folder, 'cache'), cwd: folder })
  return { code, stdout, stderr: stderr === '' ? '' : `${stderr}\n${before}` }
}

describe('the specs in the documentation', () => {
  it('are there', () => {
    expect(EXAMPLES.filter(({ where }) => where.startsWith('docs/spec.md')).length).toBeGreaterThan(20)
  })

  it('are all valid for the command line', async () => {
    const { code, stdout, stderr } = await validated()
    expect(stderr).toBe('')
    expect(code).toBe(0)
    expect(stdout.trim().split('\n')).toHaveLength(EXAMPLES.length)
  })

  it.each(EXAMPLES)('can be planned and configured: $where', async ({ module }) => {
    const file = join(await testFolder(), 'example.spec.ts')
    await writeFile(file, module)
    for (const loaded of await loadSpecs(file, { vars: {}, env: {} })) {
      const plan = makePlan(loaded, { env: {} })
      expect(() => configure(scratchConfig(plan.platform), plan.config)).not.toThrow()
    }
  })
})

/** The fields of a schema, as paths: `config.unset.env`. Variants of a union count together. */
function fieldsOf(schema: unknown, prefix: readonly string[] = []): string[][] {
  const { def } = (schema as z.ZodType)._zod as unknown as { def: SchemaShape }
  const inner = [def.innerType, def.element, ...(def.options ?? [])].filter((one) => one !== undefined)
  const own = Object.entries(def.shape ?? {}).flatMap(([name, field]) => {
    const path = [...prefix, name]
    return [path, ...fieldsOf(field, path)]
  })
  return [...own, ...inner.flatMap((one) => fieldsOf(one, prefix))]
}

interface SchemaShape {
  readonly shape?: Readonly<Record<string, unknown>>
  readonly innerType?: unknown
  readonly element?: unknown
  readonly options?: readonly unknown[]
}

/** Where docs/spec.md describes a field: the heading of a step's verb, or one of the format's parts. */
function titleOf([top, field, part]: readonly string[]): string {
  if (field === undefined) return 'Fields of a spec'
  if (top === 'allowSecrets') return top
  if (top === 'config') return part === undefined ? 'Config' : field
  return top === 'normalise' ? 'Normalise' : 'A Debian base'
}

const FIELDS = [
  ...fieldsOf(specSchema).map((path) => ({ field: path.join('.'), title: titleOf(path) })),
  ...Object.entries(stepSchemas).flatMap(([verb, schema]) =>
    fieldsOf(schema).map((path) => ({
      field: `steps.${verb}.${path.join('.')}`,
      title: path[0] === 'secrets' && path.length > 1 ? 'Secrets' : verb,
    })),
  ),
]

/** Paths of everything that the examples set, in the form of FIELDS. */
async function fieldsInExamples(): Promise<Set<string>> {
  const found = new Set<string>()
  const visit = (value: unknown, path: string): void => {
    found.add(path)
    if (Array.isArray(value)) for (const item of value) visit(item, path)
    else if (typeof value === 'object' && value !== null)
      for (const [name, field] of Object.entries(value)) visit(field, path === '' ? name : `${path}.${name}`)
  }
  const folder = await testFolder()
  for (const file of await written(folder)) {
    const [loaded] = await loadSpecs(join(folder, file), { vars: {}, env: {} })
    const { steps = [], ...rest } = loaded!.spec
    visit(rest, '')
    for (const step of steps) visit(step, `steps.${Object.keys(step)[0]}`)
  }
  return found
}

describe('docs/spec.md', () => {
  it('is compared with what the format has', () => {
    const fields = FIELDS.map(({ field }) => field)
    expect(fields).toEqual(expect.arrayContaining(['from.debian', 'config.unset.env', 'steps.run.secrets.id']))
    expect(fields).toEqual(expect.arrayContaining(['config.healthcheck.retries', 'normalise.times', 'tags']))
  })

  it.each(FIELDS)('describes $field', ({ field, title }) => {
    const name = field.split('.').at(-1)!
    const spans = codeSpansIn(sectionOf('docs/spec.md', title))
    expect(spans, `below the heading '${title}'`).toContain(name)
  })

  it('has an example of every field', async () => {
    const shown = await fieldsInExamples()
    const missing = FIELDS.map(({ field }) => field).filter((field) => !shown.has(field))
    // One example shows how a rule is turned off; the table has them all.
    expect(missing.filter((field) => !field.startsWith('normalise.'))).toEqual([])
  })

  it('lists the rules of normalising in the order in which they are applied', () => {
    const rows = [...sectionOf('docs/spec.md', 'Normalise').matchAll(/^\| `([^`]+)` \|/gm)].map((match) => match[1])
    expect(rows).toEqual(Object.keys(NORMALISERS))
  })

  it('lists the variants of a Debian base', () => {
    const row = /^\| `variant` \|.*$/m.exec(sectionOf('docs/spec.md', 'A Debian base'))![0]
    expect(codeSpansIn(row).slice(1)).toEqual([...DEBIAN_VARIANTS])
  })
})
