/** Needs Debian's ansible-core. */
import { cpSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { beforeEach, expect, it, test } from 'vitest'
import { silent } from '../../src/events.ts'
import type { Store } from '../../src/oci/store.ts'
import { settingIn } from '../../src/provision/ansible-config.ts'
import { ansibleInput } from '../../src/provision/ansible-input.ts'
import type { AnsibleStep } from '../../src/provision/ansible-step.ts'
import { testFolder } from '../support/folder.ts'
import { testStore } from '../support/store.ts'

let folder: string
let store: Store
beforeEach(async () => {
  folder = join(await testFolder(), 'spec')
  store = await testStore()
  const files = [
    'play/site.yml',
    'play/templates/a.j2',
    'vendor/roles/r/tasks/main.yml',
    'vars.yml',
    'password',
    'requirements.yml',
  ]
  for (const path of files) put(path)
})

function put(path: string, text = 'text\n'): void {
  mkdirSync(dirname(join(folder, path)), { recursive: true })
  writeFileSync(join(folder, path), text)
}

async function input(more: Partial<AnsibleStep> = {}) {
  const step: AnsibleStep = {
    ansible: [join(folder, 'play/site.yml')],
    rolesPath: [join(folder, 'vendor/roles')],
    galaxy: join(folder, 'requirements.yml'),
    extraArgs: ['-e', '@vars.yml', '--vault-password-file', 'password', '--tags=all'],
    secrets: [{ id: 'token', source: 'env:A', env: 'TOKEN' }],
    ...more,
  }
  const { env } = process
  const { signal } = new AbortController()
  const { isStill: _, ...found } = await ansibleInput(step, {
    store,
    env,
    folder,
    name: 'test',
    trust: true,
    signal,
    report: silent,
    ownOutputs: new Set(),
  })
  return found
}

it.each([
  ['a playbook', () => put('play/site.yml', 'other\n'), 'play/site.yml changed'],
  ['a file beside the playbook', () => put('play/templates/b.j2'), 'play/templates/b.j2 is new'],
  ['a role', () => rmSync(join(folder, 'vendor/roles/r/tasks/main.yml')), 'vendor/roles/r/tasks/main.yml is gone'],
  ['a file that an argument names', () => put('vars.yml', 'other\n'), 'vars.yml changed'],
  ['the requirements', () => put('requirements.yml', 'other\n'), 'requirements.yml changed'],
])('sees that %s is another, and says where', async (_, change, wanted) => {
  const before = await input()
  expect(await input()).toEqual(before)
  change()
  const after = await input()
  expect(after.input).not.toBe(before.input)
  expect(after.change).toBe(wanted)
})

it('sees an ansible.cfg beside the spec that was not there', async () => {
  const before = await input()
  put('ansible.cfg', '[defaults]\n')
  expect((await input()).input).not.toBe(before.input)
})

it('sees folders of the project that ansible.cfg names, and not those of the user', async () => {
  put('ansible.cfg', '[defaults]\nroles_path = shared/roles:~/roles:/nosuch\nlibrary = shared/modules\n')
  put('shared/roles/r/tasks/main.yml')
  const before = await input()
  put('shared/roles/r/tasks/main.yml', 'other\n')
  expect(await input()).toMatchObject({ change: 'shared/roles/r/tasks/main.yml changed' })
  put('shared/modules/m.py')
  expect((await input()).input).not.toBe(before.input)
})

it('sees what the step says, and the version of Ansible', async () => {
  const { text } = await input()
  expect(text).toMatchObject({ version: expect.stringMatching(/^ansible-playbook \[core 2\./) })
  expect((await input({ extraVars: { a: 1 } })).text).not.toEqual(text)
  expect((await input({ secrets: [{ id: 'token', source: 'env:B', env: 'OTHER' }] })).text).not.toEqual(text)
  expect(
    (await input({ secrets: [{ id: 'token', source: 'env:B', env: 'TOKEN' }], timeout: 5, cache: true })).text,
  ).toEqual(text)
})

it('depends on no folder of this machine, no password, and nothing that Ansible and git leave', async () => {
  const before = await input()
  cpSync(folder, `${folder}-moved`, { recursive: true })
  folder += '-moved'
  put('password', 'another\n')
  for (const path of ['play/.git/HEAD', 'play/templates/__pycache__/x.pyc', 'play/site.retry']) put(path)
  const { text, input: digest } = await input()
  expect([text, digest]).toEqual([before.text, before.input])
})

it('refuses a playbook that is not there', async () => {
  await expect(input({ ansible: [join(folder, 'nosuch/site.yml')] })).rejects.toMatchObject({ code: 'COPY_NOT_FOUND' })
})

test.each([
  ['[defaults]\nroles_path = a:b ; both\n', 'a:b'],
  ['[other]\nroles_path = a\n[defaults]\n# roles_path = c\nROLES_PATH: b', 'b'],
  ['[defaults]\nroles_path_more = a\n', undefined],
  ['[defaults]\nroles_path =\n  a: ; one\n# none\n\n  b\nother = c', 'a: b'],
])('roles_path in %j is %j', (text, value) => {
  expect(settingIn(text, 'defaults', 'roles_path')).toBe(value)
})
