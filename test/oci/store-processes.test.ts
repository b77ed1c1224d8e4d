import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { mkdir, readdir, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { Event } from '../../src/events.ts'
import { digestOf } from '../../src/oci/digest.ts'
import { markText, ownMark } from '../../src/oci/process-mark.ts'
import { Store } from '../../src/oci/store.ts'
import { pruneStore } from '../../src/oci/store-prune.ts'
import { chunked, collect, descriptorOf, wordy } from '../support/bytes.ts'
import { testFolder } from '../support/folder.ts'
import { Random } from '../support/random-tree.ts'
import { archive, rawMember } from '../support/raw-tar.ts'
import { filesOf, testStore } from '../support/store.ts'

const module = (path: string) => JSON.stringify(new URL(path, import.meta.url).href)
const tar = archive(rawMember({ name: 'big' }, wordy(new Random(9), 2_000_000)))
const layer = gzipSync(tar)

/** A process of its own that opens the store at argv[1] and does what `body` says with `store`. */
function program(root: string, body: string): ChildProcess {
  const script = `
    import { readFileSync } from 'node:fs'
    import { gzipSync } from 'node:zlib'
    const { Store } = await import(${module('../../src/oci/store.ts')})
    const { digestOf } = await import(${module('../../src/oci/digest.ts')})
    const store = await Store.open(process.argv[1])
    const say = (text) => process.stdout.write(text + '\\n')
    ${body}`
  const child = spawn(process.execPath, ['--input-type=module', '-e', script, root], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  return child
}

const line = (child: ChildProcess) =>
  new Promise<string>((resolve) => child.stdout!.once('data', (bytes: Buffer) => resolve(bytes.toString().trim())))
const exit = (child: ChildProcess) => new Promise<number | null>((resolve) => child.once('exit', resolve))

const HALF_A_BLOB = `
  await store.workFolder('root')
  const spool = await store.spool()
  await spool.append((async function* () { yield Buffer.from('spooled') })())
  const whole = Buffer.alloc(1000000, 'x')
  const half = async function* () {
    yield whole.subarray(0, 500000)
    say('half')
    await new Promise((resolve) => setTimeout(resolve, 60000))
  }
  await store.ingestBlob({ mediaType: '', digest: digestOf(whole), size: whole.length }, half)`

describe('a store', { timeout: 60_000 }, () => {
  it('is cleaned of what a killed process left, by the next that opens it', async () => {
    const root = join(await testFolder(), 'store')
    const child = program(root, HALF_A_BLOB)
    expect(await line(child)).toBe('half')
    expect((await filesOf(root)).length).toBeGreaterThanOrEqual(2)
    const gone = exit(child)
    child.kill('SIGKILL')
    await gone
    const store = await testStore(root)
    expect(await filesOf(root)).toEqual([])
    expect(await readdir(join(root, 'tmp'))).toHaveLength(1)
    const whole = Buffer.alloc(1_000_000, 'x')
    await store.ingestBlob(descriptorOf(whole), () => chunked(whole))
    expect(await collect(store.openBlob(digestOf(whole)))).toHaveLength(1_000_000)
  })

  it('keeps what a process that runs has, when another opens it', async () => {
    const root = join(await testFolder(), 'store')
    const child = program(root, HALF_A_BLOB)
    expect(await line(child)).toBe('half')
    const before = await filesOf(root)
    await testStore(root)
    expect(await filesOf(root)).toEqual(before)
  })

  it('takes a process for dead whose id another has now, and leaves other machines’ alone for a day', async () => {
    const root = join(await testFolder(), 'store')
    const { pid, start, place } = ownMark()
    const names = {
      reused: `${markText({ pid, start: `${start}1`, place })}-aaaa`,
      elsewhere: `${markText({ pid: 2 ** 22 + 5, start, place: '0123456789ab' })}-aaaa`,
      silent: `${markText({ pid, start, place: 'ba9876543210' })}-aaaa`,
    }
    for (const name of Object.values(names)) await mkdir(join(root, 'tmp', name), { recursive: true })
    await writeFile(join(root, 'tmp', names.reused, 'file'), '')
    const old = new Date(Date.now() - 25 * 3600 * 1000)
    await utimes(join(root, 'tmp', names.silent), old, old)
    await testStore(root)
    const left = await readdir(join(root, 'tmp'))
    expect(left).toContain(names.elsewhere)
    expect(left).not.toContain(names.reused)
    expect(left).not.toContain(names.silent)
  })

  it('in a folder that was there before keeps what somebody has in its tmp/', async () => {
    const root = await testFolder()
    const mine = join(root, 'tmp/mine')
    await mkdir(mine, { recursive: true })
    await writeFile(join(mine, 'file'), 'mine')
    const long = new Date(Date.now() - 60 * 24 * 60 * 60 * 1000)
    for (const path of [join(mine, 'file'), mine]) await utimes(path, long, long)
    await using _ = await Store.open(root)
    expect(await readdir(mine)).toEqual(['file'])
  })

  it('is cleaned by one of many that open it at the same time', async () => {
    const root = join(await testFolder(), 'store')
    const { pid, start, place } = ownMark()
    const dead = join(root, 'tmp', `${markText({ pid, start: `${start}1`, place })}-aaaa`)
    for (let i = 0; i < 100; i++) await mkdir(join(dead, `root-${i}`, 'etc'), { recursive: true })
    const events: Event[] = []
    const stores = await Promise.all(
      Array.from({ length: 8 }, () => Store.open(root, { report: (event) => events.push(event) })),
    )
    expect(events).toEqual([{ type: 'note', message: 'Removed what 1 interrupted run(s) had left in the cache.' }])
    for (const store of stores) await store.close()
    expect(await readdir(join(root, 'tmp'))).toEqual([])
  })

  it.runIf(process.getuid?.() === 0)('opens although something is mounted in what was left (needs root)', async () => {
    const root = join(await testFolder(), 'store')
    const { pid, start, place } = ownMark()
    const mount = join(root, 'tmp', `${markText({ pid, start: `${start}1`, place })}-aaaa`, 'proc')
    await mkdir(mount, { recursive: true })
    execFileSync('mount', ['-t', 'tmpfs', 'tmpfs', mount])
    const events: Event[] = []
    try {
      const store = await Store.open(root, { report: (event) => events.push(event) })
      await store.close()
      expect(events).toMatchObject([{ type: 'warning', message: expect.stringMatching(/cannot be removed: EBUSY/) }])
    } finally {
      const [left] = await readdir(join(root, 'tmp'))
      execFileSync('umount', [join(root, 'tmp', left!, 'proc')])
    }
  })

  it('serves processes that take in the same layer at the same time', async () => {
    const folder = await testFolder()
    const root = join(folder, 'store')
    const file = join(folder, 'layer')
    await writeFile(file, layer)
    const body = `
      const bytes = readFileSync(${JSON.stringify(file)})
      const open = async function* (start) {
        for (let at = start; at < bytes.length; at += 50000) yield bytes.subarray(at, at + 50000)
      }
      const stored = await store.ingestLayer({ mediaType: '', digest: digestOf(bytes), size: bytes.length }, undefined, open)
      const tree = await store.layerTree(stored.diffId)
      say(stored.diffId + ' ' + tree.children.get('big').content.size)
      await store.close()`
    const children = Array.from({ length: 4 }, () => program(root, body))
    const said = await Promise.all(children.map(line))
    expect(new Set(said)).toEqual(new Set([`${digestOf(tar)} 2000000`]))
    const store = await testStore(root)
    expect((await collect(store.openBlob(digestOf(layer)))).equals(layer)).toBe(true)
    await store.layerTree(digestOf(tar))
  })

  it('is not pruned of what a process that runs has looked at', async () => {
    const store = await testStore()
    const used = await store.putDocument(Buffer.from('used'))
    await store.ingestLayer(descriptorOf(layer), undefined, () => chunked(layer))
    const root = store.root
    await store.close()
    const child = program(
      root,
      `
      await store.has('${used}')
      const tree = await store.layerTree('${digestOf(tar)}')
      say('ready')
      process.stdin.once('data', async () => {
        const document = await store.readDocument('${used}')
        let size = 0
        for await (const chunk of tree.children.get('big').content.open()) size += chunk.length
        say(document + ' ' + size)
        process.exit()
      })`,
    )
    expect(await line(child)).toBe('ready')
    const report = await pruneStore({ root })
    expect(report.removed.map(({ kind }) => kind).sort()).toEqual(['blob', 'record'])
    expect(report.inUse).toBeGreaterThan(2_000_000)
    const said = line(child)
    child.stdin!.write('go\n')
    expect(await said).toBe('used 2000000')
  })
})
