/** Needs root and Debian's busybox-static. When a script ends, however it ends, nothing of it is left. */
import { spawn } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { Event } from '../../src/events.ts'
import { layOut } from '../../src/provision/lay-out.ts'
import type { OnLine, SandboxCommand, SandboxExit } from '../../src/provision/sandbox.ts'
import { Bench, smallRoot } from '../support/small-root.ts'

let bench: Bench
const root = smallRoot()

beforeAll(async () => {
  bench = await Bench.open()
})
afterAll(async () => {
  await bench[Symbol.asyncDispose]()
})
beforeEach(() => {
  bench.events.length = 0
})

/** Unique in a command line: busybox sleeps for as many seconds. */
const mark = () => `1${Math.floor(Math.random() * 1e8)}`

function processesWith(text: string): string[] {
  return readdirSync('/proc').filter((name) => {
    if (!/^[0-9]+$/.test(name)) return false
    try {
      return readFileSync(join('/proc', name, 'cmdline'), 'latin1').includes(text)
    } catch {
      return false
    }
  })
}

const daemons = (sleep: string) =>
  `setsid sleep ${sleep} > /dev/null 2>&1 & (setsid sh -c "trap '' TERM INT HUP; sleep ${sleep}" &) ; `

/** Resolves when the script has said `text`. */
async function until(text: string): Promise<void> {
  const said = (event: Event) => event.type === 'output' && event.line === text
  while (!bench.events.some(said)) await setTimeout(10)
}

async function runDirectly(change: Partial<SandboxCommand>, onLine: OnLine): Promise<SandboxExit> {
  await using folder = await bench.store.workFolder('direct')
  const { signal } = new AbortController()
  const laid = await layOut(root, folder.path, { newest: 0, owners: bench.sandbox.owners, report: () => {}, signal })
  const command: SandboxCommand = {
    argv: ['/bin/true'],
    env: {},
    uid: 0,
    gid: 0,
    groups: [],
    workdir: '/',
    network: 'none',
    secrets: new Map(),
    ...change,
  }
  return await bench.sandbox.run(laid.root, command, onLine, signal, laid.records)
}

const mountsBelow = (folder: string) =>
  readFileSync('/proc/self/mounts', 'utf8')
    .split('\n')
    .filter((line) => line.includes(folder))

describe('no process and no mount is left', () => {
  test('when the script ends and leaves daemons that hold its output', async () => {
    const sleep = mark()
    await bench.run(root, `${daemons(sleep)} sleep 0.1; echo done`)
    expect(bench.lines()).toEqual(['done'])
    expect(processesWith(sleep)).toEqual([])
    expect(mountsBelow(bench.home)).toEqual([])
  })

  test('after a timeout', async () => {
    const sleep = mark()
    const running = bench.run(root, { run: `${daemons(sleep)} echo before; sleep ${sleep}`, timeout: '2s' })
    await expect(running).rejects.toMatchObject({
      code: 'RUN_TIMEOUT',
      message: expect.stringMatching(/was still running after 2 s, and was killed. It said last:\n {2}before$/),
    })
    expect(processesWith(sleep)).toEqual([])
  })

  test('after an abort', async () => {
    const sleep = mark()
    const controller = new AbortController()
    const running = bench.run(root, `${daemons(sleep)} echo up; sleep ${sleep}`, {}, controller.signal)
    const failed = running.catch((error: unknown) => error)
    await until('up')
    while (processesWith(sleep).length < 3) await setTimeout(10)
    controller.abort()
    expect(await failed).toMatchObject({ code: 'INTERRUPTED' })
    expect(processesWith(sleep)).toEqual([])
  })

  test('when the script kills everything it can reach', async () => {
    await expect(
      bench.run(root, { run: 'kill -9 -1; kill -9 1; kill -9 $$', shell: ['/bin/sh'] }),
    ).rejects.toMatchObject({
      code: 'RUN_FAILED',
      message: expect.stringContaining('was ended by SIGKILL'),
    })
  })

  test('when the reader of its output throws', async () => {
    const sleep = mark()
    const onLine = () => {
      throw new Error('no more')
    }
    await expect(runDirectly({ argv: ['/bin/sh', '-c', `echo x; sleep ${sleep}`] }, onLine)).rejects.toThrow('no more')
    expect(processesWith(sleep)).toEqual([])
  })

  test('when ocibake itself is killed with SIGKILL', async () => {
    const sleep = mark()
    const home = await mkdtemp(join(tmpdir(), 'ocibake-killed-'))
    const program = join(home, 'build.ts')
    const support = resolve('test/support/small-root.ts')
    const script = `${daemons(sleep)} echo up; sleep ${sleep}`
    await writeFile(
      program,
      `import { Bench, smallRoot } from ${JSON.stringify(support)}
       const bench = await Bench.open()
       setInterval(() => { if (bench.lines().includes('up')) process.stdout.write('up') }, 20)
       await bench.run(smallRoot(), ${JSON.stringify(script)})`,
    )
    const child = spawn(process.execPath, [program], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { TMPDIR: home, OCIBAKE_TEST_SANDBOX: bench.sandbox.name },
    })
    await new Promise((up) => child.stdout.once('data', up))
    while (processesWith(sleep).length < 3) await setTimeout(10)
    expect(processesWith(home).length).toBeGreaterThan(0)
    child.kill('SIGKILL')
    await expect.poll(() => [...processesWith(sleep), ...processesWith(home)]).toEqual([])
    expect(mountsBelow(home)).toEqual([])
    await rm(home, { recursive: true })
  })
})

describe('a flood of output', () => {
  test.each([
    ['lines', 'yes 0123456789abcdef', 16_000_000],
    ['one line', "yes x | tr -d '\\n'", 60_000_000],
  ])('of %s costs no memory and is all in the log', async (_, source, bytes) => {
    const quiet = await Bench.open()
    await using _quiet = quiet
    let count = 0
    quiet.tools = new Proxy(quiet.tools, {
      apply: (target, self, args) => ({ ...Reflect.apply(target, self, args), report: () => count++ }),
    })
    const before = process.memoryUsage().rss
    let most = before
    const watch = setInterval(() => {
      most = Math.max(most, process.memoryUsage().rss)
    }, 10)
    await quiet.run(root, `${source} | head -c ${bytes}`)
    clearInterval(watch)
    expect(count).toBeGreaterThan(100)
    expect(most - before).toBeLessThan(150e6)
    expect(readFileSync(quiet.logFile).length).toBeGreaterThanOrEqual(bytes)
  })
})

test('output of a script that ends at once is complete', async () => {
  for (let i = 0; i < 10; i++) {
    bench.events.length = 0
    await bench.run(root, 'yes line | head -n 5000; echo last >&2; printf end')
    expect(bench.lines('stdout').length).toBe(5001)
    expect(bench.lines('stdout').at(-1)).toBe('end')
    expect(bench.lines('stderr')).toEqual(['last'])
  }
})

test('standard input is what the command has', async () => {
  const lines: string[] = []
  const stdin = `${'x'.repeat(300_000)}\nend`
  const command = { argv: ['/bin/sh', '-c', 'wc -c; wc -c < /dev/stdin'], stdin, uid: 65100, gid: 1 }
  expect(await runDirectly(command, (_, line) => lines.push(line))).toMatchObject({ code: 0, timedOut: false })
  expect(lines).toEqual(['300004', '300004'])
})

test('a very long timeout is no timeout at all', async () => {
  expect(await runDirectly({ argv: ['/bin/sleep', '0.1'], timeout: 2400 * 3600 * 1000 }, () => {})).toMatchObject({
    code: 0,
  })
})
