/** Needs root and Debian's busybox-static. The agent in a sandbox, as Ansible's connection asks it. */
import { randomBytes } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Directory, Tree } from '../../src/oci/node.ts'
import { agentCommand, tellToQuit } from '../../src/provision/agent.ts'
import { without } from '../../src/provision/edit.ts'
import { throughRoot } from '../../src/provision/through-root.ts'
import { type AgentAnswer, askAgent, connectAgent } from '../support/agent-client.ts'
import { at, Bench, folder, smallRoot } from '../support/small-root.ts'

const SCRATCH = '/tmp/.scratch'
const root = smallRoot({
  home: folder({ core: folder({}, { uid: 65100, gid: 1000 }) }),
  proc: folder({}),
  dev: folder({}),
})

let bench: Bench
let count = 0

beforeAll(async () => {
  bench = await Bench.open()
})
afterAll(async () => {
  await bench[Symbol.asyncDispose]()
})

type Ask = (order: readonly [string, string, string], input?: Uint8Array | string) => Promise<AgentAnswer>

/** The tree after `use`, which asks an agent in it. */
async function withAgent(
  use: (ask: Ask, socket: string) => Promise<void>,
  { tree = root, network = 'host' as 'host' | 'none' } = {},
): Promise<Tree> {
  // Longer than an address can be.
  const place = join(bench.home, `${count++}-${'x'.repeat(120)}`)
  mkdirSync(place)
  const socket = join(place, 'socket')
  return await throughRoot(tree, bench.tools(), async (sandbox, laid) => {
    const command = await agentCommand(socket, SCRATCH, { env: { PATH: '/bin', A: 'b' }, workdir: '/etc', network })
    const signal = AbortSignal.timeout(30_000)
    const inside = sandbox.run(laid.root, command, (_, line) => expect.fail(line), signal, laid.records)
    await use((order, input) => askAgent(socket, order, input), socket)
    await tellToQuit(socket)
    return await inside
  })
}

const text = ({ end, out, err }: AgentAnswer) => `${end}|${out}|${err}`

test('a command has its user, environment, folder and streams, and its end is told', async () => {
  await withAgent(async (ask) => {
    expect(text(await ask(['exec', 'root', 'echo "$A $HOME $USER $PWD $(id -u)"; echo wrong >&2; exit 3']))).toBe(
      'x 3|b /root root /etc 0\n|wrong\n',
    )
    expect(text(await ask(['exec', 'core', 'echo "$HOME $USER"; id -u; id -g; id -G; echo x > /dev/stderr']))).toBe(
      'x 0|/home/core core\n65100\n1000\n1000 4 44\n|x\n',
    )
    expect(text(await ask(['exec', 'core:adm', 'id -g; id -G; umask']))).toBe('x 0|4\n4\n0022\n|')
    expect(text(await ask(['exec', '4711', 'id -u; id -g; echo $HOME']))).toBe('x 0|4711\n0\n/\n|')
    expect(text(await ask(['exec', '0', 'kill -9 $$']))).toBe('s 9||')
  })
})

test('who is not there is refused by name', async () => {
  await withAgent(async (ask) => {
    expect((await ask(['exec', 'nobody', 'true'])).end).toBe(
      "f the image's /etc/passwd and /etc/group have no 'nobody'",
    )
    expect((await ask(['exec', 'core:nogroup', 'true'])).end).toMatch(/^f .* have no 'core:nogroup'$/)
  })
  await withAgent(
    async (ask) => {
      expect((await ask(['exec', 'root', 'true'])).end).toBe('f the image has no /bin/sh, which Ansible needs')
    },
    { tree: without(root, 'bin/sh') },
  )
})

test('bytes go in and out as they are, also when nobody reads them', async () => {
  const bytes = randomBytes(3_000_000)
  await withAgent(async (ask) => {
    const { end, out } = await ask(['exec', 'core', 'cat'], bytes)
    expect([end, out.equals(bytes)]).toEqual(['x 0', true])
    expect(text(await ask(['exec', 'root', 'true'], bytes))).toBe('x 0||')
    const noisy = await ask(['exec', 'root', 'head -c 2000000 /dev/zero; head -c 2000000 /dev/zero >&2; wc -c'], bytes)
    expect([noisy.end, noisy.out.length, noisy.err.length]).toEqual(['x 0', 2_000_008, 2_000_000])
  })
})

test('files are put and fetched by the user, and his in the tree', async () => {
  const bytes = randomBytes(200_000)
  const after = await withAgent(async (ask) => {
    expect(text(await ask(['put', 'core', '/home/core/file'], bytes))).toBe('x 0||')
    expect((await ask(['fetch', 'core', '/home/core/file'])).out.equals(bytes)).toBe(true)
    expect(text(await ask(['put', 'core', '/etc/file'], 'x'))).toBe('x 254||open /etc/file: Permission denied\n')
    expect(text(await ask(['fetch', 'root', '/nosuch']))).toBe('x 254||open /nosuch: No such file or directory\n')
    expect(text(await ask(['put', 'core', `${SCRATCH}/mine`], 'x'))).toBe('x 0||')
  })
  expect(at(after, 'home/core/file')).toMatchObject({ attrs: { mode: 0o644, uid: 65100, gid: 1000 } })
  expect(at(after, 'etc')).toBe(at(root, 'etc'))
  expect([...(at(after, 'tmp') as Directory).children]).toEqual([])
})

test('what a command leaves in the background is there for the next, and holds nobody up', async () => {
  const after = await withAgent(async (ask) => {
    const daemon = 'while true; do sleep 0.05; test -f /tmp/ask && mv /tmp/ask /tmp/answer; done'
    expect(text(await ask(['exec', 'root', `(${daemon}) & echo started`]))).toBe('x 0|started\n|')
    expect(
      text(await ask(['exec', 'core', 'echo hello > /tmp/ask; while ! cat /tmp/answer 2> /dev/null; do :; done'])),
    ).toBe('x 0|hello\n|')
  })
  expect([...(at(after, 'tmp') as Directory).children.keys()]).toEqual(['answer'])
})

test('a command ends with whoever asked for it', async () => {
  await withAgent(async (ask, socket) => {
    const impatient = await connectAgent(socket)
    impatient.write('exec\0root\0echo here; sleep 1000\0')
    await new Promise((resolve) => impatient.once('data', resolve))
    impatient.destroy()
    expect((await ask(['exec', 'root', 'while ps | grep -q "[s]leep 1000"; do :; done'])).end).toBe('x 0')
  })
})

test('several are served at the same time, and without a network', async () => {
  await withAgent(
    async (ask) => {
      const meet = (own: string, other: string) =>
        ask(['exec', 'root', `touch /tmp/${own}; while ! test -f /tmp/${other}; do :; done; echo met`])
      const [one, two] = await Promise.all([meet('a', 'b'), meet('b', 'a')])
      expect([text(one), text(two)]).toEqual(['x 0|met\n|', 'x 0|met\n|'])
    },
    { network: 'none' },
  )
})
