/** Builds that are stopped at every stage, by Ctrl-C, SIGTERM and SIGKILL: what is left, and what comes after. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, mkdirSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Event } from '../../src/events.ts'
import { Bakery, partialFiles, temporaryIn } from '../support/bakery.ts'
import { cliProgram } from '../support/cli.ts'
import { Random } from '../support/random-tree.ts'
import { startRegistry, type TestRegistry } from '../support/registry.ts'
import { skopeoCopy, skopeoInspect, tool } from '../support/skopeo.ts'

/** Stands in the command line of every process of the script: so many seconds it would sleep. */
const MARK = `8${randomBytes(4).readUInt32BE()}`
const SEED = Number(process.env.TEST_SEED ?? randomBytes(2).readUInt16BE())
const random = new Random(SEED)

const SCRIPT = [
  `/bin/busybox setsid /bin/busybox sleep ${MARK} &`,
  `(trap '' TERM INT HUP; /bin/busybox setsid /bin/sh -c "trap '' TERM INT HUP; /bin/busybox sleep ${MARK}" &)`,
  'i=0; while [ $i -lt 500 ]; do echo $i >/srv/file$i; i=$((i+1)); done',
  'echo up; /bin/busybox sleep 0.3; cat /opt/noise >/opt/more; echo down',
]

let program = ''
let bakery: Bakery
let registry: TestRegistry
let tarballs: Server
let fields: object
let wanted = ''
let older: Tagged
let count = 0

beforeAll(async () => {
  program = await cliProgram()
  bakery = await Bakery.open()
  registry = await startRegistry()
  await skopeoCopy(bakery.base, `docker://${registry.host}/base:1`, '--dest-tls-verify=false')
  writeFileSync(bakery.at('noise'), randomBytes(2 << 20))
  execFileSync('tar', ['-cf', bakery.at('noise.tar'), '-C', bakery.folder, 'noise'])
  const tar = readFileSync(bakery.at('noise.tar'))
  tarballs = createServer(async (_, response) => {
    response.writeHead(200, { 'Content-Length': tar.length })
    // Slowly: a third of a second, so that there is a middle to be interrupted in.
    for (let at = 0; at < tar.length && !response.destroyed; at += 1 << 17) {
      response.write(tar.subarray(at, at + (1 << 17)))
      await sleep(10)
    }
    response.end()
  }).listen(0, '127.0.0.1')
  await once(tarballs, 'listening')
  const unpack = `http://127.0.0.1:${(tarballs.address() as AddressInfo).port}/noise.tar`
  const sha256 = createHash('sha256').update(tar).digest('hex')
  fields = {
    from: `${registry.host}/base:1`,
    steps: [{ unpack, to: '/opt', sha256 }, { run: SCRIPT }, { own: '/srv', by: 'core:core' }],
  }
  // Those behind the second keep the build busy until somebody who has seen the first can stop it.
  const tags = Array.from({ length: 16 }, (_, i) => `${registry.host}/app:${i + 1}`)
  writeFileSync(bakery.at('app.spec.json'), JSON.stringify({ ...fields, tags }))
  wanted = await bakery.buildHere(fields, 'oci:undisturbed:1', bakery.at('undisturbed-cache'))
  await skopeoCopy(bakery.base, `docker://${registry.host}/app:1`, '--dest-tls-verify=false')
  older = await taggedWith('1')
}, 60_000)

afterAll(async () => {
  tarballs?.close()
  await registry?.stop()
  await bakery?.close()
})

const MANIFEST = 'application/vnd.oci.image.manifest.v1+json'

interface Tagged {
  readonly digest: string | null
  readonly manifest: string
}

async function taggedWith(tag: string): Promise<Tagged> {
  const answer = await fetch(`${registry.url}/v2/app/manifests/${tag}`, { headers: { Accept: MANIFEST } })
  return { digest: answer.headers.get('docker-content-digest'), manifest: await answer.text() }
}

interface Build {
  readonly child: ChildProcess
  readonly cache: string
  /** Names of outputs in the bakery's folder. */
  readonly out: string
  readonly ended: Promise<{ code: number | null; signal: string | null; stdout: string; stderr: string }>
}

/** Starts the command as a shell does, in a process group of its own. `onEvent` sees what it says as it says it. */
function start(options: { cache?: string; out?: string; onEvent?: (event: Event) => void } = {}): Build {
  const number = ++count
  const { cache = bakery.at(`cache-${number}`), out = `out-${number}`, onEvent = () => {} } = options
  mkdirSync(cache, { recursive: true })
  const outputs = ['-o', `oci:${out}:1`, '-o', `rootfs:${out}.tar`]
  const args = [program, 'build', 'app.spec.json', '--push', ...outputs, '--progress', 'json']
  const env = { PATH: process.env.PATH, HOME: cache, OCIBAKE_CACHE_DIR: join(cache, 'store') }
  const child = spawn(process.execPath, args, {
    cwd: bakery.folder,
    env,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const said = { stdout: '', stderr: '' }
  child.stdout.on('data', (chunk: Buffer) => {
    said.stdout += chunk
  })
  createInterface({ input: child.stderr }).on('line', (line) => {
    said.stderr += `${line}\n`
    if (line.startsWith('{')) onEvent(JSON.parse(line))
  })
  const ended = once(child, 'close').then(([code, signal]) => ({ code, signal, ...said }))
  return { child, cache, out, ended }
}

/** Ctrl-C reaches the whole process group, the others one process. */
function stop({ child }: Build, signal: NodeJS.Signals): void {
  try {
    process.kill(signal === 'SIGINT' ? -child.pid! : child.pid!, signal)
  } catch {
    // It has ended by itself.
  }
}

/** Processes that belong to builds in the bakery: by what they run, where they are, what is `/` for them. */
function processes(): string[] {
  const attempt = (read: () => string) => {
    try {
      return read()
    } catch {
      return ''
    }
  }
  return readdirSync('/proc').flatMap((pid) => {
    if (!/^[0-9]+$/.test(pid) || Number(pid) === process.pid) return []
    const command = attempt(() => readFileSync(`/proc/${pid}/cmdline`, 'latin1')).replaceAll('\0', ' ')
    const places = ['cwd', 'root', 'exe'].map((name) => attempt(() => readlinkSync(`/proc/${pid}/${name}`)))
    const ours = command.includes(MARK) || [command, ...places].some((text) => text.includes(`${bakery.folder}/`))
    return ours && !command.includes('docker-registry') ? [`${pid} ${command}`] : []
  })
}

const mounts = () =>
  readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .filter((line) => line.includes(bakery.folder))

/** What must be true at once, without any further command. */
async function expectNothingRuns(): Promise<void> {
  // Nobody can wait for what dies with a killed process.
  await expect.poll(processes).toEqual([])
  expect(mounts()).toEqual([])
}

/** Each output is not there, or complete; each tag is the old one, or the new one in full. */
async function expectWholeOrNothing({ out }: Build): Promise<void> {
  const layout = bakery.at(out)
  if (existsSync(join(layout, 'index.json'))) {
    expect((await skopeoInspect(`oci:${layout}:1`)).Digest).toBe(wanted)
    for (const hex of readdirSync(join(layout, 'blobs/sha256')).filter((name) => !name.startsWith('.'))) {
      const bytes = readFileSync(join(layout, 'blobs/sha256', hex))
      expect(createHash('sha256').update(bytes).digest('hex')).toBe(hex)
    }
  }
  const root = `${layout}.tar`
  if (existsSync(root)) await tool('tar', ['-tf', root])
  for (const tag of ['1', '2']) {
    const { digest, manifest } = await taggedWith(tag)
    expect([older.digest, wanted]).toContain(digest)
    const { config, layers } = JSON.parse(manifest)
    for (const blob of [config, ...layers]) {
      const { status } = await fetch(`${registry.url}/v2/app/blobs/${blob.digest}`, { method: 'HEAD' })
      expect(status).toBe(200)
    }
  }
}

/** The same build again, on the same cache, to the same outputs: as if nothing had been. */
async function expectRecovery({ cache, out }: Pick<Build, 'cache' | 'out'>): Promise<void> {
  expect(await bakery.buildHere(fields, [`oci:${out}:1`, `rootfs:${out}.tar`], cache)).toBe(wanted)
  expect(temporaryIn(cache)).toEqual([])
  expect(partialFiles(bakery.folder)).toEqual([])
  expect((await skopeoInspect(`oci:${bakery.at(out)}:1`)).Digest).toBe(wanted)
}

async function resetTags(): Promise<void> {
  for (const tag of ['1', '2']) {
    const url = `${registry.url}/v2/app/manifests/${tag}`
    const { status } = await fetch(url, { method: 'PUT', headers: { 'Content-Type': MANIFEST }, body: older.manifest })
    expect(status).toBe(201)
  }
}

const CODES = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 }

/** Builds until `when` is true of an event, and so many milliseconds longer; then it is stopped. */
async function interrupt(signal: NodeJS.Signals, when: (event: Event) => boolean, later: number): Promise<Build> {
  await resetTags()
  let reached = false
  const build = start({
    onEvent: (event) => {
      if (reached || !when(event)) return
      reached = true
      setTimeout(() => stop(build, signal), later)
    },
  })
  const { code, signal: killed, stdout, stderr } = await build.ended
  expect(reached, stderr).toBe(true)
  if (signal === 'SIGKILL') expect([code, killed]).toEqual([null, 'SIGKILL'])
  else {
    expect({ code, stdout }, stderr).toEqual({ code: CODES[signal as keyof typeof CODES], stdout: '' })
    const told = JSON.parse(stderr.trim().split('\n').at(-1)!)
    expect(told).toMatchObject({ type: 'error', code: 'INTERRUPTED', exitCode: code })
    expect(told.message).toContain(`Stopped by ${signal}`)
    expect(stderr).not.toContain('    at ')
    expect(temporaryIn(build.cache)).toEqual([])
    expect(partialFiles(bakery.folder)).toEqual([])
  }
  await expectNothingRuns()
  await expectWholeOrNothing(build)
  return build
}

/** Stage, the event at which it begins, and how long it lasts in milliseconds, about. */
const STAGES: [string, (event: Event) => boolean, number][] = [
  ['resolving the base', (event) => event.type === 'build-started', 10],
  ['pulling a layer', (event) => event.type === 'task-started' && event.task.startsWith('pull '), 10],
  ['a download', (event) => event.type === 'task-progress' && event.task.startsWith('fetch '), 200],
  ['laying out the root', (event) => event.type === 'step-started' && event.verb === 'run', 60],
  ['a script with daemons', (event) => event.type === 'output' && event.line === 'up', 200],
  ['reading back', (event) => event.type === 'output' && event.line === 'down', 60],
  ['writing the layer', (event) => event.type === 'task-started' && event.task === 'layer', 60],
  ['writing the outputs', (event) => event.type === 'image-built', 40],
  ['pushing a layer', (event) => event.type === 'task-started' && event.task.startsWith('push '), 30],
  ['pushing the second tag', (event) => event.type === 'pushed', 3],
]

describe(`a build that is stopped (TEST_SEED=${SEED})`, () => {
  it.each(STAGES)('while %s leaves nothing half-done, and builds again', async (stage, when, lasts) => {
    const gentle = STAGES.findIndex(([name]) => name === stage) % 2 === 0 ? 'SIGINT' : 'SIGTERM'
    await interrupt(gentle, when, random.below(lasts))
    await expectRecovery(await interrupt('SIGKILL', when, random.below(lasts)))
  })

  it('at any moment leaves nothing half-done, and builds again', async () => {
    await resetTags()
    // One cache and one set of outputs for all: each finds what those before it have left.
    const places = { cache: bakery.at('cache-of-all'), out: 'out-of-all' }
    for (const signal of ['SIGINT', 'SIGKILL', 'SIGTERM', 'SIGKILL', 'SIGHUP'] as const) {
      const build = start(places)
      const timer = setTimeout(() => stop(build, signal), random.below(2500))
      const { code, signal: killed, stdout, stderr } = await build.ended
      clearTimeout(timer)
      // Before it has said anything, Node itself may not have been ready to be told.
      if (code === null) expect(signal === 'SIGKILL' || stderr === '', stderr).toBe(true)
      else if (code === 0) expect(stdout, stderr).toContain(wanted)
      else expect(code, stderr).toBe(CODES[signal as keyof typeof CODES])
      if (killed !== null) expect(killed).toBe(signal)
      await expectNothingRuns()
      await expectWholeOrNothing(build)
    }
    await expectRecovery(places)
  })

  it('by a second Ctrl-C while it still tidies up is gone at once', async () => {
    const build = start({
      onEvent: (event) => {
        if (event.type !== 'output' || event.line !== 'up') return
        stop(build, 'SIGINT')
        setTimeout(() => stop(build, 'SIGINT'), 5)
      },
    })
    expect((await build.ended).code).toBe(130)
    await expectNothingRuns()
    await expectRecovery(build)
  })
})

describe('builds at the same time', () => {
  it('on one store, to the same outputs and tags, end well with one digest', async () => {
    await resetTags()
    const places = { cache: bakery.at('shared-cache'), out: 'shared' }
    const ended = await Promise.all([start(places), start(places), start(places)].map((build) => build.ended))
    for (const { code, stdout, stderr } of ended) {
      expect(code, stderr).toBe(0)
      expect(JSON.parse(stdout).digest).toBe(wanted)
    }
    expect(await taggedWith('1')).toMatchObject({ digest: wanted })
    expect(temporaryIn(places.cache)).toEqual([])
    expect(partialFiles(bakery.folder)).toEqual([])
  })

  it('on one store are not harmed when one of them is killed', async () => {
    const cache = bakery.at('shared-cache-2')
    const killed = start({
      cache,
      onEvent: (event) => {
        if (event.type === 'output' && event.line === 'up') stop(killed, 'SIGKILL')
      },
    })
    const other = start({ cache })
    const { code, stderr } = await other.ended
    expect(code, stderr).toBe(0)
    expect((await killed.ended).signal).toBe('SIGKILL')
    await expectNothingRuns()
    expect((await skopeoInspect(`oci:${bakery.at(other.out)}:1`)).Digest).toBe(wanted)
    await expectRecovery(killed)
  })
})
