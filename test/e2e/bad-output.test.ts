/** Places that cannot be written to: full, read-only, taken, or gone halfway. Needs root, to mount small disks. */
import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { Bakery, partialFiles, temporaryIn } from '../support/bakery.ts'
import { runCli } from '../support/cli.ts'
import { startRegistry } from '../support/registry.ts'
import { skopeoInspect } from '../support/skopeo.ts'

const MEGABYTE = 1 << 20

let bakery: Bakery
let fields: object
let digest = ''
/** For outputs, of which it does not matter what is in them. */
const plain = { steps: [{ copy: 'noise', to: '/' }] }
let plainDigest = ''

/** Every place where a build writes much is in it: two megabytes that do not compress, each time. */
beforeAll(async () => {
  bakery = await Bakery.open()
  writeFileSync(bakery.at('noise'), randomBytes(2 * MEGABYTE))
  execFileSync('tar', ['-cf', bakery.at('noise.tar'), '-C', bakery.folder, 'noise'])
  const run = 'cat /opt/noise /opt/noise >/opt/more; echo baked'
  fields = { from: bakery.base, steps: [{ unpack: 'noise.tar', to: '/opt' }, { run }] }
  digest = await bakery.buildHere(fields, 'oci:good:1')
  plainDigest = await bakery.buildHere(plain, 'oci:plain:1')
}, 60_000)

afterAll(() => bakery?.close())

/** An empty disk of so many bytes; gone when the test ends. */
function smallDisk(bytes: number, ...options: string[]): string {
  const disk = bakery.at(`disk-${randomBytes(4).toString('hex')}`)
  mkdirSync(disk)
  execFileSync('mount', [
    '-t',
    'tmpfs',
    '-o',
    [`size=${Math.round(bytes)}`, 'mode=700', ...options].join(','),
    'tmpfs',
    disk,
  ])
  onTestFinished(() => {
    execFileSync('umount', ['-l', disk])
    rmSync(disk, { recursive: true })
  })
  return disk
}

const resize = (disk: string, bytes: number) =>
  execFileSync('mount', ['-t', 'tmpfs', '-o', `remount,size=${Math.round(bytes)}`, 'tmpfs', disk])

describe('a cache on a disk that is too small', () => {
  /** The sizes at which the disk is full at one stage after the other; the last one suffices. */
  const SIZES = [0.1, 1, 2.5, 4, 4.5, 7, 12, 20, 26, 34]

  it('is said as such wherever it happens, leaves nothing, and is good again with more room', async () => {
    onTestFinished(() => rmSync(bakery.at('out'), { recursive: true, force: true }))
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
      // A script is told by the system itself; its log does not fit either, and that counts.
      const says =
        /^DISK_FULL(?: {2}app\.spec\.json, step \d \((\w+)\))?\n {2}(The disk is full at |app\.spec\.json, with)/m
      const [, step = '', start] = says.exec(stderr)!
      stages.add(start!.startsWith('app') ? 'before' : step)
      expect(stderr).toMatch(/\n {2}-> \S/)
      expect(temporaryIn(cache)).toEqual([])
      expect(existsSync(bakery.at('out'))).toBe(false)
    }
    expect(built).toBe(digest)
    expect([...stages].sort()).toEqual(['', 'before', 'run', 'unpack'])
    rmSync(bakery.at('out'), { recursive: true })
    await bakery.expectNothingLeft([], cache)
  }, 120_000)
})

describe('a script that fills the disk', () => {
  it.each([
    ['in its root', 'cat /dev/zero >/fill'],
    ['in its root, and does not mind', 'cat /dev/zero >/fill; cat /dev/zero >/srv/more; echo went on'],
    ['in its /tmp', 'cat /dev/zero >/tmp/fill'],
    ['by what it prints', 'cat /dev/zero'],
  ])('%s fails for that, leaves nothing, and the cache is good', async (_, run) => {
    const cache = smallDisk(12 * MEGABYTE)
    const { code, stderr } = await bakery.build({ from: bakery.base, steps: [{ run }] }, undefined, { cache })
    expect(code, stderr).toBe(1)
    expect(stderr).toMatch(/^DISK_FULL|^RUN_FAILED(.|\n)*No space left on device/m)
    expect(stderr).toMatch(/\n {2}-> \S/)
    await bakery.expectNothingLeft(['out'], cache)
    expect(await bakery.buildHere(plain, 'oci:out:1', cache)).toBe(plainDigest)
    rmSync(bakery.at('out'), { recursive: true })
  })
})

describe('room on a disk', () => {
  const copied = () => ({ from: bakery.base, steps: [{ write: '/new', text: 'new' }] })

  it('that a base cannot do with is said before a layer of it is fetched', async () => {
    const cache = smallDisk(MEGABYTE)
    const { code, stderr } = await bakery.build(copied(), ['-o', 'oci:out:1'], { cache })
    expect(code, stderr).toBe(1)
    expect(stderr).toMatch(
      /^DISK_FULL\n {2}app\.spec\.json, with a base of 3 layers, needs at least 1\.\d MB in \S+; \d+\.\d [kM]B are free\.\n {2}-> Free some/m,
    )
    expect(stderr).not.toMatch(/^layer /m)
    await bakery.expectNothingLeft(['out'], cache)
  })

  it('that may not be enough is warned of, for the disk of an output, too', async () => {
    const cache = smallDisk(6 * MEGABYTE)
    const disk = smallDisk(1.2 * MEGABYTE)
    const warned = (at: string) =>
      new RegExp(`^warning: .* base of 3 layers, may need about .* in ${at}.*; .* are free\\.$`, 'm')
    const { code, stderr } = await bakery.build(copied(), ['-o', `oci-archive:${disk}/image.tar`], { cache })
    expect(stderr).toMatch(warned(cache))
    expect(stderr).not.toMatch(warned(disk))
    expect(code, stderr).toBe(0)
    resize(cache, 64 * MEGABYTE)
    const again = await bakery.build({ ...copied(), layers: 'append' }, ['-o', `oci-archive:${disk}/more.tar`], {
      cache,
    })
    expect(again.code, again.stderr).toBe(1)
    expect(again.stderr).toMatch(new RegExp(`needs at least 1\\.\\d MB in ${disk}; `))
    expect(readdirSync(disk)).toEqual(['image.tar'])
  })
})

describe('an output', () => {
  const outputs = (folder: string) => [
    [`oci:${folder}/layout:1`, `${folder}/layout`],
    [`oci-archive:${folder}/oci.tar`, `${folder}/oci.tar`],
    [`docker-archive:${folder}/docker.tar:app:1`, `${folder}/docker.tar`],
    [`rootfs:${folder}/root.tar`, `${folder}/root.tar`],
  ]
  /** Tries each kind of output in `folder`, which refuses them. */
  const refused = async (folder: string, says: RegExp, kinds = outputs(folder)) => {
    const before = readdirSync(folder, { recursive: true }).sort()
    for (const [output] of kinds) {
      const { code, stdout, stderr } = await bakery.build(plain, ['-o', output!])
      expect({ code, stdout }, stderr).toEqual({ code: 1, stdout: '' })
      expect(stderr).toMatch(says)
      expect(stderr).toContain(folder)
      expect(stderr).toMatch(/\n {2}-> \S/)
      expect(readdirSync(folder, { recursive: true }).sort()).toEqual(before)
    }
    expect(temporaryIn(bakery.cache)).toEqual([])
  }

  it('on a full disk leaves the disk as it was, and comes when there is room', async () => {
    const disk = smallDisk(1.5 * MEGABYTE)
    await refused(disk, /^DISK_FULL\n {2}No space is left to write /m)
    resize(disk, 64 * MEGABYTE)
    const all = outputs(disk).flatMap(([output]) => ['-o', output!])
    const { code, stdout, stderr } = await bakery.build(plain, all)
    expect({ code, stdout }, stderr).toEqual({ code: 0, stdout: plainDigest })
    for (const [, path] of outputs(disk)) expect(existsSync(path!), path).toBe(true)
  })

  it('leaves an older output as it was when the disk fills up', async () => {
    const disk = smallDisk(1.5 * MEGABYTE)
    const small = { steps: [{ write: '/old', text: 'older' }] }
    const all = outputs(disk).flatMap(([output]) => ['-o', output!])
    const older = await bakery.build(small, all)
    expect(older.code, older.stderr).toBe(0)
    const files = outputs(disk).slice(1)
    const bytes = files.map(([, path]) => readFileSync(path!))
    for (const [output] of outputs(disk)) expect((await bakery.build(plain, ['-o', output!])).code).toBe(1)
    expect(files.map(([, path]) => readFileSync(path!))).toEqual(bytes)
    expect((await skopeoInspect(`oci:${disk}/layout:1`)).Digest).toBe(older.stdout)
    expect(partialFiles(disk)).toEqual([])
  })

  it('in a folder that is read-only', async () => {
    const disk = smallDisk(MEGABYTE, 'ro')
    await refused(disk, /^OUTPUT_FAILED\n {2}.*EROFS/m, outputs(disk).slice(0, 2))
  })

  it.each<[string, string, (path: string) => void]>([
    ['a folder', 'oci-archive', (path) => mkdirSync(path, { recursive: true })],
    ['a fifo', 'rootfs', (path) => execFileSync('mkfifo', [path])],
    ['below a file', 'docker-archive', (path) => writeFileSync(join(path, '..'), '')],
  ])('whose path is %s (%s)', async (what, kind, make) => {
    const path = bakery.at(`taken/${what}/path`)
    mkdirSync(join(path, what.startsWith('a ') ? '..' : '../..'), { recursive: true })
    make(path)
    const { code, stdout, stderr } = await bakery.build(plain, ['-o', `${kind}:${path}`])
    expect({ code, stdout }, stderr).toEqual({ code: 1, stdout: '' })
    expect(stderr).toMatch(/^OUTPUT_FAILED\n/m)
    expect(stderr).toContain(path)
    expect(stderr).toMatch(/\n {2}-> \S/)
    expect(temporaryIn(bakery.cache)).toEqual([])
    expect(partialFiles(bakery.folder)).toEqual([])
  })

  it('in a folder of which the system says that it is not there, however often it is made', async () => {
    for (const [output] of outputs('/proc/nope')) {
      const { code, stdout, stderr } = await bakery.build(plain, ['-o', output!])
      expect({ code, stdout }, stderr).toEqual({ code: 1, stdout: '' })
      expect(stderr).toMatch(/^OUTPUT_FAILED\n {2}Cannot write \/proc\/nope\/.*ENOENT.*\n {2}-> Check the path/m)
    }
  })

  it('to a layout where there is a file, or a folder with other things in it', async () => {
    writeFileSync(bakery.at('file'), 'mine')
    for (const path of ['file', '.']) {
      const { code, stderr } = await bakery.build(plain, ['-o', `oci:${path}`])
      expect(code, stderr).toBe(1)
      expect(stderr).toMatch(/^OUTPUT_FAILED\n/m)
      expect(stderr).toMatch(/\n {2}-> \S/)
    }
    expect(readFileSync(bakery.at('file'), 'utf8')).toBe('mine')
    expect(existsSync(bakery.at('index.json'))).toBe(false)
    expect(partialFiles(bakery.folder)).toEqual([])
  })

  it('as the metadata file that cannot be written', async () => {
    const { code, stderr } = await bakery.build(plain, ['-o', 'oci:meta:1', '--metadata-file', '/proc/no/where.json'])
    expect(code, stderr).toBe(1)
    expect(stderr).toMatch(/^OUTPUT_FAILED\n {2}Cannot write \/proc\/no\/where\.json: ENOENT/m)
  })
})

describe('a cache folder that cannot be written', () => {
  it.each([
    ['read-only', 'EROFS'],
    ['a file', 'EEXIST'],
    ['below a file', 'ENOTDIR'],
    ['in /proc', 'ENOENT'],
    ['/proc itself', 'ENOENT'],
  ])('%s', async (what, reason) => {
    const disk = smallDisk(MEGABYTE, ...(what === 'read-only' ? ['ro'] : []))
    const cache = {
      'read-only': `${disk}/cache`,
      'a file': `${disk}/file`,
      'below a file': `${disk}/file/cache`,
      'in /proc': '/proc/nope',
      '/proc itself': '/proc',
    }[what]!
    if (what !== 'read-only') writeFileSync(`${disk}/file`, '')
    const { code, stdout, stderr } = await bakery.build(plain, ['-o', 'oci:out:1', '--cache-dir', cache])
    expect({ code, stdout }, stderr).toEqual({ code: 1, stdout: '' })
    expect(stderr).toMatch(/^OUTPUT_FAILED\n {2}The cache folder .* cannot be used: [A-Z]+\.\n {2}-> .*--cache-dir/m)
    expect(stderr).toContain(`${reason}.\n`)
    expect(existsSync(bakery.at('out'))).toBe(false)
  })
})

it('a reader that leaves does not end a build', async () => {
  writeFileSync(bakery.at('unread.spec.json'), JSON.stringify({ from: 'scratch', ...plain }))
  const under = ['bash', '-o', 'pipefail', '-c', '"$@" 2>&1 | true', 'bash']
  const args = ['build', 'unread.spec.json', '-o', 'oci:unread:1']
  const { code, stderr } = await runCli(args, { cache: bakery.cache, cwd: bakery.folder, under })
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  expect((await skopeoInspect(`oci:${bakery.at('unread')}:1`)).Digest).toBe(plainDigest)
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
