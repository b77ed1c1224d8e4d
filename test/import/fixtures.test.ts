import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { importTemplate } from '../../src/import/packer/import-template.ts'
import { readTemplate } from '../../src/import/read-template.ts'
import { reportDocument } from '../../src/import/report.ts'
import { specOfDraft } from '../../src/import/spec-of-draft.ts'
import { usedVariables } from '../../src/import/used-variables.ts'
import { writeSpec } from '../../src/import/write-spec.ts'
import { loadSpec } from '../../src/spec/load.ts'

const FIXTURES = join(import.meta.dirname, 'fixtures')

/** import.json of a fixture: how it is imported, and what its spec has to be given. */
interface Wishes {
  readonly template?: string
  readonly vars?: Record<string, string>
  readonly varFiles?: string[]
  readonly env?: Record<string, string>
  readonly bases?: Record<string, string>
  readonly lift?: boolean
}

/** Each template of each folder. */
const CASES = readdirSync(FIXTURES).flatMap((folder) => {
  const file = join(FIXTURES, folder, 'import.json')
  const wishes: Wishes = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : {}
  const names = readdirSync(join(FIXTURES, folder))
  const templates = names.filter((name) => /\.(pkr\.hcl|json)$/.test(name) && name !== 'import.json')
  return (wishes.template === undefined ? templates : [wishes.template]).map((template) => ({
    folder,
    template,
    ...wishes,
  }))
})

async function imported({
  folder,
  template,
  vars = {},
  varFiles = [],
  env = {},
  bases = {},
  lift = true,
}: (typeof CASES)[number]) {
  const cwd = join(FIXTURES, folder)
  const read = await readTemplate(template, { vars, varFiles, env, cwd })
  const folders = { current: cwd, spec: cwd }
  return importTemplate(read, { folders, bases: new Map(Object.entries(bases)), lift, env, isWanted: () => true })
}

it('no secret of a template gets into a spec or a report', () => {
  const secrets = /npm_abcdef|abcdef0123456789|hunter2hunter2|wJalrXUtnFEMI|"?xyz"?\b.*secret/
  const made = readdirSync(FIXTURES, { recursive: true, encoding: 'utf8' }).filter((name) =>
    /\.spec\.ts$|\.import\.md$/.test(name),
  )
  expect(made.length).toBeGreaterThan(40)
  for (const name of made) expect(readFileSync(join(FIXTURES, name), 'utf8'), name).not.toMatch(secrets)
})

describe.each(CASES)('fixture $folder/$template', (fixture) => {
  const place = (name: string) => join(FIXTURES, fixture.folder, name)

  it('is imported as it was when somebody read it', async () => {
    const all = await imported(fixture)
    for (const { draft } of all.images) {
      await expect(writeSpec(draft, [`Imported from ${basename(place(fixture.template))}.`])).toMatchFileSnapshot(
        place(`${draft.name}.spec.ts`),
      )
    }
    const stem = fixture.template.replace(/(\.pkr)?\.(hcl|json)$/, '').replace(/^\.$/, fixture.folder)
    await expect(reportDocument(all, fixture.template)).toMatchFileSnapshot(place(`${stem}.import.md`))
  })

  it('gives specs that are valid, and mean what the drafts mean', async () => {
    const { images } = await imported(fixture)
    expect(images.length).toBeGreaterThan(0)
    for (const { draft } of images) {
      const vars = Object.fromEntries(usedVariables(draft).map(({ name, value }) => [name, value ?? `example-${name}`]))
      const { spec } = await loadSpec(place(`${draft.name}.spec.ts`), { vars, env: {} })
      expect(spec).toEqual(specOfDraft(draft, { vars, env: {}, folder: place('.') }))
    }
  })
})
