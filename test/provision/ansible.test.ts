/** Needs root, and Debian's busybox-static and ansible-core. The image has no Python: `raw` and `script` do without. */
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { Directory, Tree } from '../../src/oci/node.ts'
import { ansible } from '../../src/provision/ansible.ts'
import type { AnsibleStep } from '../../src/provision/ansible-step.ts'
import { tool } from '../support/skopeo.ts'
import { at, Bench, folder, smallRoot } from '../support/small-root.ts'

const root = smallRoot({ home: folder({ core: folder({}, { uid: 65100, gid: 1000 }) }) })

let bench: Bench
let spec: string

beforeAll(async () => {
  bench = await Bench.open()
  spec = join(bench.home, 'spec')
  await mkdir(join(bench.home, 'user'))
})
afterAll(async () => {
  await bench[Symbol.asyncDispose]()
})
beforeEach(() => {
  bench.events.length = 0
})

/** Writes files below the spec's folder. */
async function write(files: Readonly<Record<string, string>>): Promise<void> {
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(spec, path)), { recursive: true })
    await writeFile(join(spec, path), text)
  }
}

/** A play without facts, for which Python would be needed. */
const play = (tasks: string, more = '') => `- hosts: all\n  gather_facts: false\n${more}  tasks:\n${tasks}`
const raw = (command: string, more = '') => `    - raw: ${command}\n${more}`

interface Around {
  readonly env?: Readonly<Record<string, string>>
  readonly signal?: AbortSignal
  readonly tree?: Tree
}

async function perform(playbook: string, step: Partial<AnsibleStep> = {}, around: Around = {}): Promise<Tree> {
  await write({ 'play/site.yml': playbook })
  const env = { PATH: process.env.PATH, HOME: join(bench.home, 'user'), ...around.env }
  const tools = bench.tools({ folder: spec, env }, around.signal)
  return await ansible(around.tree ?? root, { ansible: join(spec, 'play/site.yml'), ...step }, tools)
}

const failure = (made: Promise<Tree>) =>
  made.then(
    () => expect.fail('it succeeded'),
    (error: Error) => error,
  )
const warnings = () => bench.events.flatMap((event) => (event.type === 'warning' ? [event.message] : []))
const written = (tree: Tree, path: string) => {
  const node = at(tree, path)
  return node?.kind === 'file' ? node : undefined
}

test('what tasks do is in the tree, as whoever they become, and nothing else', async () => {
  const after = await perform(
    play(
      [
        raw('echo "$HOME $(id -u)" > /opt-file'),
        raw('id -G > /home/core/mine', '      become: true\n      become_user: core\n'),
        '    - script: hello.sh one\n      become: true\n      become_user: core\n',
        raw('sleep 1000 &'),
      ].join(''),
      '  become_method: sudo\n',
    ),
    await write({ 'play/hello.sh': '#!/bin/sh\necho "$1 $PWD" > /home/core/script\n' }).then(() => ({})),
  )
  expect([...after.children.keys()].filter((name) => !root.children.has(name))).toEqual(['opt-file'])
  expect(written(after, 'home/core/mine')?.attrs).toMatchObject({ mode: 0o644, uid: 65100, gid: 1000 })
  expect(written(after, 'home/core/script')?.attrs).toMatchObject({ uid: 65100, gid: 1000 })
  for (const name of ['bin', 'etc']) expect(at(after, name)).toBe(at(root, name))
  expect(at(after, 'tmp')).toEqual(at(root, 'tmp'))
  expect(warnings()).toEqual([])
  expect(readdirSync(join(bench.home, 'user'))).toEqual([])
  expect(readdirSync(spec)).toEqual(['play'])
})

test('what tasks leave in /tmp stays there', async () => {
  const after = await perform(play(raw('echo x > /tmp/left')))
  expect([...(at(after, 'tmp') as Directory).children.keys()]).toEqual(['left'])
})

test('all that the step says reaches the playbooks', async () => {
  await write({
    'play/group_vars/web.yml': 'beside: the playbook\nansible_connection: ssh\n',
    'inventories/production/group_vars/web.yml': 'inventory: the folder\n',
    'inventories/production/hosts': '[web]\nstranger.example\n',
    'play/second.yml': '- hosts: web\n  gather_facts: false\n  roles: [one, two]\n',
    'vendor/roles/one/tasks/main.yml': '- debug: msg="role one of {{ groups.web }}, {{ groups.none }}"\n',
    'play/roles/two/tasks/main.yml': '- debug: msg="role two with {{ lookup("env", "MIRROR") }}"\n',
    'vars.yml': 'file: in an argument\n',
  })
  const everything = ['beside', 'inventory', 'file', 'won', 'ansible_user', 'inventory_hostname', 'list']
  const message = everything.map((name) => `{{ ${name} }}`).join(', ')
  await perform(play(`    - debug: msg="${message}"\n${raw('id -un; ls /sys/class/net')}`), {
    ansible: [join(spec, 'play/site.yml'), join(spec, 'play/second.yml')],
    extraVars: { list: [1, { two: null }], won: 'nobody' },
    extraArgs: ['-e', '@vars.yml', '--extra-vars', 'won=extraArgs', '-vv'],
    groups: ['web'],
    emptyGroups: ['none'],
    hostAlias: 'web-1',
    inventoryDirectory: join(spec, 'inventories/production'),
    rolesPath: join(spec, 'vendor/roles'),
    env: { MIRROR: 'a mirror' },
    user: 'core',
    network: 'none',
  })
  const said = bench.lines().join('\n')
  expect(said).toContain("the playbook, the folder, in an argument, extraArgs, core, web-1, [1, {'two': None}]")
  expect(said).toContain("role one of ['web-1'], []")
  expect(said).toContain('role two with a mirror')
  expect(said).toMatch(/core\\r?\\n|"core"/)
  expect(said).not.toMatch(/eth0|stranger/)
})

test("the project's ansible.cfg counts, the user's and the caller's variables do not", async () => {
  const user = join(bench.home, 'user-with-config')
  mkdirSync(user)
  await writeFile(join(user, '.ansible.cfg'), '[defaults]\nroles_path = /nosuch\nduplicate_dict_key = nonsense\n')
  await write({
    'ansible.cfg': '[defaults]\nroles_path = shared/roles ; ours\nlog_path = ansible.log\nany_errors_fatal = yes\n',
    'shared/roles/three/tasks/main.yml': '- debug: msg="role three {{ lookup("config", "ANY_ERRORS_FATAL") }}"\n',
  })
  await perform(play(raw('"true"'), '  roles: [three]\n'), {}, { env: { HOME: user, ANSIBLE_ROLES_PATH: '/nosuch' } })
  expect(bench.lines().join('\n')).toContain('role three True')
  expect(existsSync(join(spec, 'ansible.log'))).toBe(false)
  expect(readdirSync(user)).toEqual(['.ansible.cfg'])
})

test('the image is in the inventory, whatever the project reads inventories by', async () => {
  await write({ 'ansible.cfg': '[inventory]\nenable_plugins = host_list,\n  ini\n' })
  const after = await perform(play(raw('echo x > /there')))
  await write({ 'ansible.cfg': '' })
  expect(at(after, 'there')).toBeDefined()
  const split = { rolesPath: [join(spec, 'a:b')] }
  await expect(perform(play(raw('"true"')), split)).rejects.toMatchObject({ code: 'PATH_INVALID' })
})

test('roles of a file of requirements are installed for the step alone', async () => {
  await write({
    'galaxy/packed/tasks/main.yml': '- debug: msg="from the galaxy"\n',
    'galaxy/packed/meta/main.yml': '{}\n',
  })
  await tool('tar', ['-czf', join(spec, 'galaxy/packed.tar.gz'), '-C', join(spec, 'galaxy'), 'packed'])
  await write({ 'galaxy.yml': `roles:\n  - { src: ${spec}/galaxy/packed.tar.gz, name: from_galaxy }\n` })
  const playbook = play(raw('"true"'), '  roles: [from_galaxy]\n')
  await perform(playbook, { galaxy: join(spec, 'galaxy.yml') })
  expect(bench.lines().join('\n')).toContain('from the galaxy')
  await write({ 'galaxy.yml': 'roles:\n  - { src: /nosuch.tar.gz, name: gone }\n' })
  const { message } = await failure(perform(playbook, { galaxy: join(spec, 'galaxy.yml') }))
  expect(message).toMatch(/^ansible-galaxy play\/site.yml ended with exit code \d+\./)
  expect(readdirSync(join(bench.home, 'user'))).toEqual([])
})

test('secrets are variables of Ansible, and *** wherever they are printed', async () => {
  const secrets = [{ id: 'token', source: 'env:CI_TOKEN', env: 'TOKEN' }]
  const playbook = play(
    `    - debug: msg="it is {{ lookup('env', 'TOKEN') }}"\n${raw(`'test -z "$TOKEN"; echo {{ lookup("env", "TOKEN") }}; exit 1'`)}`,
  )
  const { message } = await failure(perform(playbook, { secrets }, { env: { CI_TOKEN: 'hunter2' } }))
  expect(bench.lines().join('\n')).toContain('it is ***')
  expect(bench.lines().join('\n') + message + readFileSync(bench.logFile, 'utf8')).not.toContain('hunter2')
})

describe('a failure', () => {
  test('names the task, its place, and what it said', async () => {
    const tasks = `    - name: Make it\n      raw: echo out; echo "no such thing" >&2; exit 7\n`
    const error = await failure(perform(play(tasks)))
    expect(error).toMatchObject({ code: 'RUN_FAILED', hint: `The whole output: ${bench.logFile}` })
    expect(error.message.split('\n').map((line) => line.trim())).toEqual([
      'ansible-playbook play/site.yml ended with exit code 2.',
      "Task 'Make it' (play/site.yml:4) failed: non-zero return code",
      'no such thing',
    ])
    expect(readFileSync(bench.logFile, 'utf8')).toContain('TASK [Make it]')
  })

  test('tells that modules need Python', async () => {
    const error = await failure(perform(play('    - command: "true"\n')))
    expect(error).toMatchObject({ hint: expect.stringContaining("Ansible's modules need Python in the image") })
  })

  test.each([
    ['a user whom the image has not', { extraVars: { ansible_user: 'nosuch' } }, /could not be reached: .*no 'nosuch'/],
    ['no YAML', {}, /ERROR! .*YAML/i],
    ['an argument that is none', { extraArgs: ['--nosuch'] }, /unrecognized arguments: --nosuch/],
  ])('of %s is told in its words', async (what, step, message) => {
    const playbook = what === 'no YAML' ? '- {hosts: [\n' : play(raw('"true"'))
    expect((await failure(perform(playbook, step))).message).toMatch(message)
  })

  test('that a task ignores, or a rescue mends, is none', async () => {
    const rescued = '    - block: [{ raw: exit 1 }]\n      rescue: [{ raw: echo mended }]\n'
    expect(await perform(play(`${raw('exit 1', '      ignore_errors: true\n')}${rescued}`))).toEqual(root)
  })

  test('says what to install where there is no Ansible', async () => {
    const without = perform(play(raw('"true"')), {}, { env: { PATH: '/nosuch' } })
    await expect(without).rejects.toMatchObject({
      code: 'TOOL_MISSING',
      hint: expect.stringContaining('apt-get install ansible-core'),
    })
  })
})

test('whoever works on another machine than the image is warned', async () => {
  await perform('- hosts: localhost\n  gather_facts: false\n  tasks: [{ debug: msg=here }]\n')
  expect(warnings()).toEqual([
    "Tasks for the host 'localhost' did not run in the image, but from this machine.",
    'No task ran in the image.',
  ])
  bench.events.length = 0
  const local = '- hosts: localhost\n  connection: local\n  gather_facts: false\n  tasks: [{ raw: echo x > /there }]\n'
  expect(at(await perform(local, { hostAlias: 'localhost' }), 'there')).toBeDefined()
  expect(warnings()).toEqual([])
})

describe('nothing is left running', () => {
  const endless = play(raw('echo > /tmp/started; sleep 31415'))
  const running = async () =>
    (await tool('ps', ['-eo', 'args'])).split('\n').filter((line) => /31415/.test(line) || line.includes(bench.home))

  test('after a timeout', async () => {
    const error = await failure(perform(endless, { timeout: 3 }))
    expect(error).toMatchObject({ code: 'RUN_TIMEOUT' })
    expect(error.message).toMatch(/^ansible-playbook play\/site.yml was still running after 3 s, and was killed/)
    expect(await running()).toEqual([])
  })

  test('after the build is stopped', async () => {
    const stopping = new AbortController()
    const made = failure(perform(endless, {}, { signal: stopping.signal }))
    while (!bench.lines().some((line) => line.startsWith('TASK')))
      await new Promise((resolve) => setTimeout(resolve, 20))
    stopping.abort()
    expect(await made).toMatchObject({ code: 'INTERRUPTED' })
    expect(await running()).toEqual([])
    expect(
      existsSync(join(bench.home, 'store/tmp')) ? readdirSync(join(bench.home, 'store/tmp')).length : 0,
    ).toBeLessThan(2)
  })
})
