/** Places that cannot be written to: full, read-only, taken, or gone halfway. Needs root, to mount small disks. */
import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { Bakery, partialFiles, temporaryIn } from '../support/bakery.ts'
import { startRegistry } from '../support/registry.ts'
import { skopeoInspect } from '../support/skopeo.ts'

const MEGABYTE = 1 << 20

let bakery: Bakery
let fields: object
let digest = ''

/** Every place where a build writes much is in it: two megabytes that do not compress, each time. */
beforeAll(async () => {
  bakery = await Bakery.open()
  writeFileSync(bakery.at('noise'), randomBytes(2 * MEGABYTE))
  execFileSync('tar', ['-cf', bakery.at('noise.tar'), '-C', bakery.folder, 'noise'])
  const run = 'cat /opt/noise /opt/noise >/opt/more; echo baked'
  fields = { from: bakery.base, steps: [{ unpack: 'noise.tar', to: '/opt' }, { run }] }
  digest = await bakery.buildHere(fields, 'oci:good:1')
}, 60_000)

afterAll(() => bakery?.close())

/** An empty disk of so many bytes; gone when the test ends. */
function smallDisk(bytes: number, ...options: string[]): string {
  const disk = bakery.at(`disk-${randomBytes(4).toString('hex')}`)
  mkdirSync(disk)
  execFileSync('mount', ['-t', 'tmpfs', '-o', [`size=${bytes}`, 'mode=700', ...options].join(','), 'tmpfs', disk])
  onTestFinished(() => {
    execFileSync('umount', ['-l', disk])
    rmSync(disk, { recursive: true })
  })
  return disk
}

const resize = (disk: string, bytes: number) =>
  execFileSync('mount', ['-t', 'tmpfs', '-o', `remount,size=${bytes}`, 'tmpfs', disk])

describe('a cache on a disk that is too small', () => {
  /** The sizes at which the disk is full at one stage after the other; the last one suffices. */
  const SIZES = [0.1, 0.6, 1.5, 2.5, 4, 6, 8, 11, 14, 18]

  it('is said as such wherever it happens, leaves nothing, and is good again with more room', async () => {
    const cache = smallDisk(MEGABYTE)
    const stages = new Set<string>()
    let built: string | undefined
    for (const size of SIZES) {
      resize(cache, size * MEGABYTE)
      const { code, stdout, stderr } = await bakery.build(fields, ['-o', 'oci:out:1'], { cache })
      if (code === 0) {
        built = stdout
        break
      }
      expect({ code, stdout }, stderr).toEqual({ code: 1, stdout: '' })
      const failed = /^([A-Z_]+)( {2}app\.spec\.json, step \d \(\w+\))?\n {2}(.*)\n/m.exec(stderr)!
      stages.add(`${failed[1]}${failed[2] ?? ''}`)
      // A script is told by the system itself, and says so.
      expect(stderr).toMatch(failed[1] === 'RUN_FAILED' ? /No space left on device/ : /^DISK_FULL/m)
      expect(stderr).toMatch(/\n {2}-> \S/)
      expect(temporaryIn(cache)).toEqual([])
      expect(existsSync(bakery.at('out'))).toBe(false)
    }
    expect(built).toBe(digest)
    expect([...stages].sort()).toEqual([
      'DISK_FULL',
      'DISK_FULL  app.spec.json, step 1 (unpack)',
      'DISK_FULL  app.spec.json, step 2 (run)',
      'RUN_FAILED  app.spec.json, step 2 (run)',
    ])
    rmSync(bakery.at('out'), { recursive: true })
    await bakery.expectNothingLeft([], cache)
  }, 120_000)
})

describe('an output', () => {
  const outputs = (folder: string) => [
    [`oci:${folder}/layout:1`, `${folder}/layout`],
    [`oci-archive:${folder}/oci.tar`, `${folder}/oci.tar`],
    [`docker-archive:${folder}/docker.tar:app:1`, `${folder}/docker.tar`],
    [`rootfs:${folder}/root.tar`, `${folder}/root.tar`],
  ]
  /** Tries each kind of output in `folder`, which refuses them. */
  const refused = async (folder: string, says: RegExp) => {
    const before = readdirSync(folder, { recursive: true }).sort()
    for (const [output] of outputs(folder)) {
      const { code, stdout, stderr } = await bakery.build(fields, ['-o', output!])
      expect({ code, stdout }, stderr).toEqual({ code: 1, stdout: '' })
      expect(stderr).toMatch(says)
      expect(stderr).toContain(folder)
      expect(stderr).toMatch(/\n {2}-> \S/)
      expect(readdirSync(folder, { recursive: true }).sort()).toEqual(before)
    }
    expect(temporaryIn(bakery.cache)).toEqual([])
  }

  it('on a full disk leaves the disk as it was, and comes when there is room', async () => {
    const disk = smallDisk(3 * MEGABYTE)
    await refused(disk, /^DISK_FULL\n {2}No space is left to write /m)
    resize(disk, 64 * MEGABYTE)
    const all = outputs(disk).flatMap(([output]) => ['-o', output!])
    const { code, stdout, stderr } = await bakery.build(fields, all)
    expect({ code, stdout }, stderr).toEqual({ code: 0, stdout: digest })
    for (const [, path] of outputs(disk)) expect(existsSync(path!), path).toBe(true)
  })

  it('leaves an older output as it was when the disk fills up', async () => {
    const disk = smallDisk(3 * MEGABYTE)
    const small = { steps: [{ write: '/old', text: 'older' }] }
    const all = outputs(disk).flatMap(([output]) => ['-o', output!])
    const older = await bakery.build(small, all)
    expect(older.code, older.stderr).toBe(0)
    const files = outputs(disk).slice(1)
    const bytes = files.map(([, path]) => readFileSync(path!))
    for (const [output] of outputs(disk)) expect((await bakery.build(fields, ['-o', output!])).code).toBe(1)
    expect(files.map(([, path]) => readFileSync(path!))).toEqual(bytes)
    expect((await skopeoInspect(`oci:${disk}/layout:1`)).Digest).toBe(older.stdout)
    expect(partialFiles(disk)).toEqual([])
  })

  it('in a folder that is read-only', () => refused(smallDisk(MEGABYTE, 'ro'), /^OUTPUT_FAILED\n {2}.*EROFS/m))

  it.each<[string, (path: string) => void]>([
    ['a folder', (path) => mkdirSync(path)],
    ['a fifo', (path) => execFileSync('mkfifo', [path])],
    ['below a file', (path) => writeFileSync(join(path, '..'), '')],
    ['in a folder that does not exist', () => {}],
  ])('whose path is %s', async (what, make) => {
    const path = bakery.at(`taken/${what}/path`)
    mkdirSync(bakery.at('taken'), { recursive: true })
    if (what.startsWith('a ')) mkdirSync(join(path, '..'))
    make(path)
    for (const kind of ['oci-archive', 'docker-archive', 'rootfs']) {
      const { code, stdout, stderr } = await bakery.build(fields, ['-o', `${kind}:${path}`])
      expect({ code, stdout }, stderr).toEqual({ code: 1, stdout: '' })
      expect(stderr).toMatch(/^OUTPUT_FAILED\n/m)
      expect(stderr).toContain(path)
      expect(stderr).toMatch(/\n {2}-> \S/)
    }
    expect(temporaryIn(bakery.cache)).toEqual([])
    expect(partialFiles(bakery.folder)).toEqual([])
  })

  it('to a layout where there is a file, or a folder with other things in it', async () => {
    writeFileSync(bakery.at('file'), 'mine')
    for (const path of ['file', '.']) {
      const { code, stderr } = await bakery.build(fields, ['-o', `oci:${path}`])
      expect(code, stderr).toBe(1)
      expect(stderr).toMatch(/^OUTPUT_FAILED\n/m)
      expect(stderr).toMatch(/\n {2}-> \S/)
    }
    expect(readFileSync(bakery.at('file'), 'utf8')).toBe('mine')
    expect(existsSync(bakery.at('index.json'))).toBe(false)
    expect(partialFiles(bakery.folder)).toEqual([])
  })

  it('as the metadata file that cannot be written', async () => {
    const { code, stderr } = await bakery.build(fields, ['-o', 'oci:meta:1', '--metadata-file', 'no/where.json'])
    expect(code, stderr).toBe(1)
    expect(stderr).toMatch(/^OUTPUT_FAILED\n {2}The metadata cannot be written: .*no\/where\.json/m)
  })
})

describe('a cache folder that cannot be written', () => {
  it.each(['read-only', 'a file', 'below a file'])('%s', async (what) => {
    const disk = smallDisk(MEGABYTE, ...(what === 'read-only' ? ['ro'] : []))
    const cache = { 'read-only': `${disk}/cache`, 'a file': `${disk}/file`, 'below a file': `${disk}/file/cache` }[
      what
    ]!
    if (what !== 'read-only') writeFileSync(`${disk}/file`, '')
    const { code, stdout, stderr } = await bakery.build(fields, ['-o', 'oci:out:1', '--cache-dir', cache])
    expect({ code, stdout }, stderr).toEqual({ code: 1, stdout: '' })
    expect(stderr).toMatch(/^OUTPUT_FAILED\n {2}The cache folder .* cannot be used: E[A-Z]+\.\n {2}-> .*--cache-dir/m)
    expect(existsSync(bakery.at('out'))).toBe(false)
  })
})

describe('a registry that dies while it is pushed to', () => {
  it('is said as such; the local outputs are there, and pushing again works', async () => {
    const registry = await startRegistry()
    let stopped: Promise<void> | undefined
    const tags = [`${registry.host}/app:1`]
    const pushing = bakery.build({ ...fields, tags }, ['--push', '-o', 'oci:kept:1'], {
      onLine: (line) => {
        if (/^push \w+ of .*MB$/.test(line)) stopped = registry.stop()
      },
    })
    const { code, stdout, stderr } = await pushing
    await stopped
    expect({ code, stdout }, stderr).toEqual({ code: 3, stdout: '' })
    expect(stderr).toMatch(/^REGISTRY_UNREACHABLE\n/m)
    expect(stderr).toContain(registry.host)
    expect(stderr).toMatch(/\n {2}-> \S/)
    expect((await skopeoInspect(`oci:${bakery.at('kept')}:1`)).Digest).toBe(digest)
    await bakery.expectNothingLeft([])
    const another = await startRegistry()
    onTestFinished(() => another.stop())
    const again = await bakery.build({ ...fields, tags: [`${another.host}/app:1`] }, ['--push'])
    expect(again.stdout, again.stderr).toBe(digest)
    expect((await skopeoInspect(`docker://${another.host}/app:1`)).Digest).toBe(digest)
  })
})
