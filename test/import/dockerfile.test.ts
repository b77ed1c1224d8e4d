import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { importDockerfile } from '../../src/import/dockerfile/import-dockerfile.ts'
import { reportDocument } from '../../src/import/report.ts'
import { SourceText } from '../../src/import/source-text.ts'
import { specOfDraft } from '../../src/import/spec-of-draft.ts'
import { usedVariables } from '../../src/import/used-variables.ts'
import { writeSpec } from '../../src/import/write-spec.ts'
import { loadSpec } from '../../src/spec/load.ts'

const FIXTURES = join(import.meta.dirname, 'fixtures-dockerfile')
const CASES = readdirSync(FIXTURES).map((folder) => {
  const file = readdirSync(join(FIXTURES, folder)).find((name) => /(^|\.)Dockerfile$/.test(name))!
  return { folder, file }
})

function imported({ folder, file }: (typeof CASES)[number]) {
  const current = join(FIXTURES, folder)
  const source = new SourceText(file, readFileSync(join(current, file), 'utf8'))
  return importDockerfile(source, { current, spec: current, vars: {}, target: undefined, lift: true })
}

describe.each(CASES)('the Dockerfile $folder', (fixture) => {
  const place = (name: string) => join(FIXTURES, fixture.folder, name)

  it('is imported as it was when somebody read it', async () => {
    const all = imported(fixture)
    for (const { draft } of all.images) {
      await expect(writeSpec(draft, [`Imported from ${fixture.file}.`])).toMatchFileSnapshot(
        place(`${draft.name}.spec.ts`),
      )
    }
    await expect(reportDocument(all, fixture.file)).toMatchFileSnapshot(place(`${fixture.file}.import.md`))
  })

  it('gives specs that are valid, and mean what the drafts mean', async () => {
    for (const { draft } of imported(fixture).images) {
      const vars = Object.fromEntries(usedVariables(draft).map(({ name, value }) => [name, value ?? `example-${name}`]))
      const { spec } = await loadSpec(place(`${draft.name}.spec.ts`), { vars, env: {} })
      expect(spec).toEqual(specOfDraft(draft, { vars, env: {}, folder: place('.') }))
    }
  })
})
