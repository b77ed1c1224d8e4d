import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execa } from 'execa'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Draft, type DraftFields, type DraftStep, FileText } from '../../src/import/draft.ts'
import { specOfDraft } from '../../src/import/spec-of-draft.ts'
import { usedVariables } from '../../src/import/used-variables.ts'
import { Mixed, Reference, type Text, Unknown } from '../../src/import/value.ts'
import { writeSpec } from '../../src/import/write-spec.ts'
import { loadSpec } from '../../src/spec/load.ts'
import { fuzz } from '../support/fuzz.ts'

const draft = (fields: Partial<Draft>): Draft => ({
  name: 'app',
  from: 'debian:bookworm-slim',
  steps: [],
  config: {},
  tags: [],
  others: {},
  ...fields,
})
const step = (fields: DraftFields | undefined, ...comment: string[]): DraftStep => ({
  ...(fields === undefined ? {} : { step: fields }),
  comment,
  places: [],
})

describe('writeSpec', () => {
  it('lets a variable that is made of others follow them, also those that nothing else has', async () => {
    const [base, repo, host] = ['base', 'repo', 'host'].map((name) => new Reference(name, `${name}-1`))
    const made = (name: string, ...parts: (string | Reference)[]) => ({ name, comment: [], made: new Mixed(parts) })
    const its = draft({
      from: new Mixed([base!]),
      variables: [made('base', repo!, '/x'), made('repo', host!, '/r'), { name: 'host', comment: [] }],
    })
    expect(writeSpec(its).split('\n').slice(3, 6)).toEqual(
      ['host', 'repo', 'base'].map((name) => expect.stringContaining(`const ${name} = vars.${name} ?? `)),
    )
    const from = (vars: Record<string, string>) => specOfDraft(its, { vars, env: {}, folder: '/' }).from
    expect(from({})).toBe('host-1/r/x')
    expect(from({ host: 'h' })).toBe('h/r/x')
    expect(from({ host: 'h', repo: 'r' })).toBe('r/x')
    expect(from({ host: 'h', base: 'b' })).toBe('b')
  })

  it('writes what a person would write', () => {
    const written = writeSpec(
      draft({
        steps: [
          step({ copy: 'rootfs/', to: '/' }),
          step({ run: ['apt-get update', 'echo \'it is\' "$HOME"', "sed -i 's/a/b/' /etc/x"], env: { 'no-name': '' } }),
          step(undefined, 'TODO: something'),
          step({ write: '/etc/motd', text: 'hello\n' }, 'Packer wrote it with mode 0600.'),
        ],
        config: { expose: [11211], env: { PATH: '/opt/bin:$PATH' } },
        tags: ['example.com/app:1'],
        others: { layers: 'append' },
        comments: { config: ['TODO: ONBUILD'] },
      }),
      ['From app.pkr.hcl.'],
    )
    expect(written).toBe(`import type { Spec } from 'ocibake'

// From app.pkr.hcl.
export default {
  from: 'debian:bookworm-slim',
  layers: 'append',
  steps: [
    { copy: 'rootfs/', to: '/' },
    { run: ['apt-get update', 'echo \\'it is\\' "$HOME"', "sed -i 's/a/b/' /etc/x"], env: { 'no-name': '' } },
    // TODO: something
    // Packer wrote it with mode 0600.
    { write: '/etc/motd', text: 'hello\\n' },
  ],
  // TODO: ONBUILD
  config: { expose: [11211], env: { PATH: '/opt/bin:$PATH' } },
  tags: ['example.com/app:1'],
} satisfies Spec
`)
  })

  it('writes a function of the variables that texts have', () => {
    const version = new Reference('app_version', '1.0')
    const written = writeSpec(
      draft({
        from: new Mixed([new Reference('base', undefined)]),
        steps: [step({ run: [new Mixed([`echo \`$\{x}\` `, version])] })],
        tags: [new Mixed(['app:', version, '-', new Unknown('timestamp()', 'it is another each time')])],
        variables: [
          { name: 'app_version', env: 'APP_VERSION', comment: ['Of the app.'] },
          { name: 'unused', comment: [] },
        ],
      }),
    )
    expect(written).toBe(`import type { Spec, SpecContext } from 'ocibake'

export default ({ vars, env }: SpecContext): Spec => {
  // Of the app.
  const appVersion = vars.app_version ?? env.APP_VERSION ?? '1.0'
  const base = vars.base
  if (base === undefined) throw new Error('Give --var base=…')
  // TODO: \`timestamp()\` of the template: it is another each time
  const timestamp = vars.timestamp
  if (timestamp === undefined) throw new Error('Give --var timestamp=…')

  return {
    from: base,
    steps: [{ run: [\`echo \\\`\\\${x}\\\` \${appVersion}\`] }],
    tags: [\`app:\${appVersion}-\${timestamp}\`],
  }
}
`)
  })

  it('writes a name that is not like others, and steps that are comments alone, for what they are', () => {
    const labels = Object.fromEntries([['__proto__', 'x']])
    const its = draft({ steps: [step(undefined, 'TODO: all of it')], config: { labels } })
    expect(writeSpec(its)).toContain("labels: { ['__proto__']: 'x' }")
    expect(specOfDraft(its, { vars: {}, env: {}, folder: '/' })).toMatchObject({ steps: [], config: { labels } })
  })

  it('does not write down what is sensitive', () => {
    const written = writeSpec(
      draft({
        config: { labels: { key: new Mixed([new Reference('key', 'hunter2')]) } },
        variables: [{ name: 'key', sensitive: true, comment: [] }],
      }),
    )
    expect(written).not.toContain('hunter2')
    expect(written).toContain("throw new Error('Give --var key=…')")
  })
})

describe('a written spec', () => {
  let folder = ''
  let number = 0

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'ocibake-write-spec-'))
    for (const name of ['scripts', 'layouts']) await mkdir(join(folder, name))
    await writeFile(join(folder, "scripts/it's #1.sh"), '#!/bin/sh\r\necho hello\r\n')
    await symlink(join(import.meta.dirname, '../../node_modules'), join(folder, 'node_modules'))
  })
  afterAll(() => rm(folder, { recursive: true, force: true }))

  const word = fc.oneof(
    fc.string({ maxLength: 12 }),
    fc.string({ unit: 'binary', maxLength: 5 }),
    fc.constantFrom(
      'a',
      "it's",
      '"',
      '`',
      `$\{x}`,
      '\\',
      '\n',
      'line\nline\n',
      '\r',
      '\u2028',
      '$',
      '//',
      'x'.repeat(130),
    ),
  )
  const part = fc.oneof(
    word,
    fc.record({ name: fc.constantFrom('version', 'image-name', 'class', '1st'), value: word }),
  )
  const text = fc.array(part, { minLength: 1, maxLength: 4 }).map((parts): Text => {
    const mixed = parts.map((one) => (typeof one === 'string' ? one : new Reference(one.name, `of ${one.name}`)))
    return mixed.every((one) => typeof one === 'string') ? mixed.join('') : new Mixed(mixed)
  })
  const name = fc.constantFrom('from', 'a', 'A_B', 'x-y', '2', 'parts', 'constructor', "it's")
  const value = fc.letrec((tie) => ({
    any: fc.oneof({ maxDepth: 3 }, text, fc.integer(), fc.boolean(), tie('list'), tie('fields')),
    list: fc.array(tie('any'), { maxLength: 4 }),
    fields: fc.dictionary(name, tie('any'), { maxKeys: 4 }),
  }))

  it('means what the draft means, whatever its texts are', async () => {
    const file = fc.constant(new FileText("scripts/it's #1.sh", true))
    const fields = value.fields as fc.Arbitrary<DraftFields>
    const steps = fc.array(
      fc.record({
        step: fc.option(fields, { nil: undefined }),
        comment: fc.array(word),
      }),
      { maxLength: 4 },
    )
    await fc.assert(
      fc.asyncProperty(text, fields, steps, fc.array(text), file, async (from, config, made, tags, script) => {
        const one = draft({
          ...{ from, config, tags },
          steps: [...made.map((each) => ({ ...each, places: [] }) as DraftStep), step({ run: script })],
        })
        const path = join(folder, `${number++}.spec.ts`)
        await writeFile(path, writeSpec(one))
        const { default: exported } = await import(path)
        const loaded = typeof exported === 'function' ? exported({ vars: {}, env: {} }) : exported
        expect(loaded).toEqual(specOfDraft(one, { vars: {}, env: {}, folder }))
      }),
      fuzz(60),
    )
  })

  it('is laid out as the formatter of this repository does it', async () => {
    const root = join(import.meta.dirname, '../..')
    const { formatter, javascript } = JSON.parse(await readFile(join(root, 'biome.json'), 'utf8'))
    await writeFile(join(folder, 'biome.json'), JSON.stringify({ root: true, formatter, javascript }))
    const samples = fc.sample(fc.tuple(value.fields as fc.Arbitrary<DraftFields>, text, fc.array(text)), {
      numRuns: 40,
      seed: 7,
    })
    for (const [config, from, tags] of samples) {
      await writeFile(
        join(folder, `layouts/${number++}.spec.ts`),
        writeSpec(draft({ from, config, tags, steps: [step(config)] })),
      )
    }
    await execa(join(root, 'node_modules/.bin/biome'), ['format', 'layouts'], { cwd: folder })
  })

  it('is validated and loaded with its variables', async () => {
    const one = draft({ tags: [new Mixed(['app:', new Reference('tag', '1')])] })
    const path = join(folder, 'app.spec.ts')
    await writeFile(path, writeSpec(one))
    const { spec } = await loadSpec(path, { vars: { tag: '2' }, env: {} })
    expect(spec.tags).toEqual(['app:2'])
    expect(usedVariables(one).map(({ name }) => name)).toEqual(['tag'])
  })
})
