/** Needs root, umoci, busybox-static and ansible-core. */
import { mkdir, writeFile } from 'node:fs/promises'
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import { Bakery } from '../support/bakery.ts'

let bakery: Bakery

beforeAll(async () => {
  bakery = await Bakery.open()
  await mkdir(bakery.at('play'))
})
afterAll(() => bakery.close())
beforeEach(() => play('echo one > /srv/made'))

const play = (command: string) =>
  writeFile(bakery.at('play/site.yml'), `- { hosts: all, gather_facts: false, tasks: [{ raw: ${command} }] }\n`)

const build = (step: object = {}, args: readonly string[] = ['-o', 'oci:out:1']) =>
  bakery.build({ from: bakery.base, steps: [{ ansible: 'play/site.yml', ...step }] }, args)

it('playbooks that did not change are not performed again', async () => {
  const first = await build()
  expect(first.stderr).toContain('step 1 ansible: first build here')
  const second = await build()
  expect(second.stderr).toContain('nothing changed: the layer is from the cache')
  await play('echo two > /srv/made')
  const third = await build()
  expect(third.stderr).toContain('step 1 ansible: changed because play/site.yml changed')
  const relabelled = await bakery.build({
    ...{ from: bakery.base, compression: 'none', steps: [{ ansible: 'play/site.yml' }] },
  })
  expect(relabelled.stderr).toContain('step 1 ansible: from the cache')
  expect(second.stdout).toBe(first.stdout)
  expect(third.stdout).not.toBe(first.stdout)
})

it('with `cache: false` they are performed in every build', async () => {
  const first = await build({ cache: false })
  const second = await build({ cache: false })
  expect(second.stderr).toContain('step 1 ansible: run again because of `cache: false`')
  expect(second.stdout).toBe(first.stdout)
})

it('what a playbook made that changed meanwhile is not kept', async () => {
  await writeFile(bakery.at('play/more'), 'before')
  const local = '{ raw: "true" }, { copy: { content: after, dest: "{{ playbook_dir }}/more" }, delegate_to: localhost }'
  await writeFile(bakery.at('play/site.yml'), `- { hosts: all, gather_facts: false, tasks: [${local}] }\n`)
  const { stderr } = await build()
  expect(stderr).toContain('What step 1 reads changed while it was performed: its result is not kept.')
  expect((await build()).stderr).toContain('step 1 ansible: changed because play/site.yml changed')
  expect((await build()).stderr).toContain('nothing changed')
})

it('a playbook or an Ansible that is not there is said before anything is fetched', async () => {
  const gone = await build({ ansible: 'play/nosuch.yml' })
  expect(gone).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/COPY_NOT_FOUND[\s\S]*play\/nosuch\.yml does not exist/),
  })
  const env = { PATH: '/nosuch' }
  const without = await bakery.build({ steps: [{ ansible: 'play/site.yml' }] }, [], { env })
  expect(without).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/TOOL_MISSING[\s\S]*apt-get install ansible-core/),
  })
})

it('the plan says what the image is called', async () => {
  await writeFile(
    bakery.at('plan.spec.json'),
    JSON.stringify({ from: 'scratch', steps: [{ ansible: 'play/site.yml', groups: ['web'], cache: false }] }),
  )
  const { stdout } = await bakery.run(['plan', 'plan.spec.json'])
  expect(stdout).toContain(
    "step 1  ansible play/site.yml\n        the image is 'default' in web\n        performed in every build\n",
  )
})
