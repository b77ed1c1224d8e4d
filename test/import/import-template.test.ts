import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { OcibakeError } from '../../src/errors.ts'
import { importTemplate } from '../../src/import/packer/import-template.ts'
import { readTemplate } from '../../src/import/read-template.ts'
import { reportDocument, reportLines } from '../../src/import/report.ts'
import { specOfDraft } from '../../src/import/spec-of-draft.ts'
import { usedVariables } from '../../src/import/used-variables.ts'
import { writeSpec } from '../../src/import/write-spec.ts'
import { validate } from '../../src/spec/validate.ts'
import { fuzz } from '../support/fuzz.ts'

const OPTIONS = {
  docker:
    'image commit discard export_path changes author message pull platform run_command exec_user volumes tmpfs login_password pty',
  shell:
    'inline script scripts environment_vars env execute_command inline_shebang valid_exit_codes timeout max_retries binary continue_on_error',
  file: 'source sources content destination direction generated',
  ansible:
    'playbook_file groups extra_arguments roles_path galaxy_file host_alias ansible_env_vars user inventory_file',
  'ansible-local': 'playbook_file playbook_files role_paths inventory_groups playbook_dir group_vars',
  'docker-tag': 'repository tags tag',
  'docker-import': 'repository tag changes',
  'docker-save': 'path',
  manifest: 'output',
} as const

const text = fc.oneof(
  fc.constantFrom(
    '',
    ' ',
    '/',
    '.',
    '..',
    '/a/../b',
    'a b',
    'apt-get update',
    'ENV A=1',
    'ENV',
    'CMD ["x"]',
    'EXPOSE x',
    'USER a b',
  ),
  fc.constantFrom(
    'WORKDIR ..',
    'VOLUME x',
    'HEALTHCHECK CMD',
    'LABEL a',
    'USER',
    'STOPSIGNAL x',
    'ENTRYPOINT [""]',
    'ENV $A=1',
    'A=1',
    '=',
    '1=2',
  ),
  fc.constantFrom(
    'chown -R a:b /x',
    'rm -rf /',
    'rm -rf /*',
    'tar xf',
    'curl',
    'aws s3 cp s3://b/k .',
    'cd',
    'sudo',
    '#!/bin/sh',
    '<<EOF',
    '"',
    'x\0y',
  ),
  fc.constantFrom(
    '{{user `v`}}',
    'ENV V={{user `v`}}',
    '/{{user `v`}}/x',
    'echo {{user `w`}}',
    '{{timestamp}}',
    '{{.Path}}',
    'a,b',
    '\u{100000}',
    'é',
  ),
  fc.string({ maxLength: 6 }),
)
const value = fc.oneof(
  { arbitrary: text, weight: 4 },
  { arbitrary: fc.array(text, { maxLength: 4 }), weight: 4 },
  fc.constantFrom(true, false, 0, 1, -1, null, 1.5, {}, [], [[]], [1, true], { a: 'b' }, { 'a b': 1 }, { A: ['x'] }),
)
const block = (types: readonly (keyof typeof OPTIONS | 'other')[]) =>
  fc.constantFrom(...types).chain((type) => {
    const names = type === 'other' ? ['x'] : OPTIONS[type].split(' ')
    return fc.dictionary(fc.constantFrom(...names), value, { maxKeys: 6 }).map((options) => ({ type, ...options }))
  })
const template = fc.record({
  variables: fc.constantFrom({ v: 'value', w: 'a "b" $c' }, { v: '', w: '/' }),
  builders: fc.array(block(['docker', 'docker', 'other']), { minLength: 1, maxLength: 1 }),
  provisioners: fc.array(block(['shell', 'shell', 'file', 'ansible', 'ansible-local', 'other']), { maxLength: 4 }),
  'post-processors': fc.array(block(['docker-tag', 'docker-import', 'docker-save', 'manifest', 'other']), {
    maxLength: 2,
  }),
})

describe('importTemplate', () => {
  let folder = ''
  let number = 0
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'ocibake-import-fuzz-'))
    for (const name of ['a b', 'é', 'apt-get update']) await writeFile(join(folder, name), 'echo')
  })
  afterAll(() => rm(folder, { recursive: true, force: true }))

  it('makes valid specs of whatever a template says, or refuses it by name', async () => {
    await fc.assert(
      fc.asyncProperty(template, fc.boolean(), async (document, lift) => {
        const file = join(folder, `${number++}.json`)
        await writeFile(file, JSON.stringify(document))
        const read = await readTemplate(file, { vars: {}, varFiles: [], env: {}, cwd: folder }).catch(
          (error: unknown) => {
            if (error instanceof OcibakeError) return undefined
            throw error
          },
        )
        if (read === undefined) return
        const folders = { current: folder, spec: folder }
        const imported = importTemplate(read, { folders, bases: new Map(), lift, env: {}, isWanted: () => true })
        for (const { draft } of imported.images) {
          const vars = Object.fromEntries(usedVariables(draft).map((used) => [used.name, used.value ?? 'given']))
          const spec = specOfDraft(draft, { vars, env: {}, folder })
          // What has no value has to be given by somebody who knows what it stands for.
          const isKnown = usedVariables(draft).every((used) => used.value !== undefined || used.name === 'base')
          if (isKnown) expect(() => validate(spec, 'it'), JSON.stringify(spec)).not.toThrow()
          expect(writeSpec(draft)).toContain('export default')
        }
        expect(reportLines(imported).join('\n') + reportDocument(imported, 'it')).not.toMatch(/undefined|\[object|\0/)
      }),
      fuzz(150),
    )
  })
})
