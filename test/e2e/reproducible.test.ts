import { chmod, chown, cp, lstat, mkdir, mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { Metadata } from '../../src/cli/metadata.ts'
import { bake, SPECS } from '../support/cli.ts'
import { describeImage } from '../support/described-root.ts'
import { MEMCACHED_PACKAGES, packagesBase } from '../support/packages-base.ts'
import { type S3, startS3 } from '../support/s3.ts'
import { sharedTarball } from '../support/shared-tarball.ts'
import { tool } from '../support/skopeo.ts'

const HOUR = 3_600_000
const BUCKET = 'coredgeapplications'

/** For libfaketime: the clock on the wall alone, not timers and not the times that files have on disk. */
const CLOCK = (ahead: string) => ({ FAKETIME: ahead, FAKETIME_DONT_FAKE_MONOTONIC: '1', NO_FAKE_STAT: '1' })

/** The same steps, but scripts see a clock that is 36 hours ahead: libfaketime is in the base, and `env` in no image. */
const SHIFTED = `import memcached from './memcached.spec.ts'
const env = ${JSON.stringify({ LD_PRELOAD: '/usr/lib/libfaketime.so.1', ...CLOCK('+36h') })}
export default (context) => {
  const spec = memcached(context)
  const steps = spec.steps.map((step) => ('run' in step ? { ...step, env: { ...step.env, ...env } } : step))
  return { ...spec, steps }
}
`

/** Runs its arguments under another host name and umask, on one core. */
const ELSEWHERE = ['unshare', '--uts', 'sh', '-c', 'hostname elsewhere; umask 077; exec taskset 1 "$@"', 'sh']

let folder = ''
let servers: S3[] = []

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ocibake-e2e-'))
  await Promise.all([packagesBase(MEMCACHED_PACKAGES), sharedTarball()])
}, 300_000)

afterAll(async () => {
  for (const server of servers) await server.stop()
  await rm(folder, { recursive: true, force: true })
})

it('memcached has one digest: another folder, checkout, login, umask, locale, host name, clock, server, core', async () => {
  const library = await libfaketime()
  const base = join(folder, 'base')
  await cp(await packagesBase(MEMCACHED_PACKAGES), base, { recursive: true })
  await tool('umoci', ['insert', '--image', `${base}:base`, library, '/usr/lib/libfaketime.so.1'])
  const tarball = await sharedTarball()
  servers = [await startS3(), await startS3({ accessKeyId: 'AKIAANOTHERLOGIN', secretAccessKey: 'another' })]
  for (const server of servers) {
    server.createBucket(BUCKET)
    server.put(BUCKET, tarball.key, await readFile(tarball.path))
  }
  const [s3, otherS3] = servers as [S3, S3]
  const values = { version: tarball.version, object: tarball.key, base: `oci:${base}:base` }
  const vars = Object.entries(values).flatMap(([name, value]) => ['--var', `${name}=${value}`])

  const here = join(folder, 'here')
  await mkdir(here)
  const plain = bake(['build', join(SPECS, 'memcached.spec.ts'), ...vars, '--output', `oci:${here}/out:1`], {
    cache: here,
    env: { ...s3.env, USER: 'root', TZ: 'UTC', LC_ALL: 'C' },
  })

  const there = join(folder, 'another folder/with a longer name')
  await cp(SPECS, join(there, 'specs'), { recursive: true })
  await writeFile(join(there, 'specs/shifted.spec.ts'), SHIFTED)
  await disturb(join(there, 'specs'))
  otherS3.server.clock = 40 * HOUR
  const shifted = bake(['build', 'specs/shifted.spec.ts', ...vars, '--output', 'oci:out:1', '--progress', 'json'], {
    cache: there,
    cwd: there,
    under: ELSEWHERE,
    env: {
      ...{ ...otherS3.env, USER: 'somebody', LOGNAME: 'somebody', HOME: join(there, 'home'), TMPDIR: folder },
      ...{ TZ: 'Pacific/Kiritimati', LANG: 'tr_TR.UTF-8', LC_ALL: 'tr_TR.UTF-8', COLUMNS: '40' },
      ...{ LD_PRELOAD: library, ...CLOCK('+40h') },
      // WebAssembly takes the place of native/addon.
      NODE_OPTIONS: '--no-addons',
    },
  })

  const [digest, printed] = await Promise.all([plain, shifted])
  const { digest: other } = JSON.parse(printed) as Metadata
  if (other !== digest) expect(await unpacked(join(there, 'out'))).toEqual(await unpacked(join(here, 'out')))
  expect(other).toBe(digest)
  // Twelve o'clock is midnight there: the scripts, and ocibake itself, did see other clocks.
  expect([11, 12, 13]).toContain(Math.abs((await hourOfScripts(there)) - (await hourOfScripts(here))))
  expect(otherS3.server.seen.length).toBe(s3.server.seen.length)
}, 240_000)

/** What postunpack.sh said the hour was. */
async function hourOfScripts(cache: string): Promise<number> {
  const logs = join(cache, 'store/logs')
  const [name] = (await readdir(logs)).filter((file) => file.endsWith('-step-5.log'))
  return Number(/ (\d\d):\d\d:\d\d ready/.exec(await readFile(join(logs, name!), 'utf8'))?.[1])
}

/** Debian's library with which a process sees another clock; the kernel's, which dates files, has no such thing. */
async function libfaketime(): Promise<string> {
  const found = /^\S+\/libfaketimeMT\.so\.1$/m.exec(await tool('dpkg', ['-L', 'libfaketime']))
  if (found === null) throw new Error("Debian's package libfaketime is not installed")
  return found[0]
}

/** What a checkout under umask 077 by somebody else, at another time, would have. */
async function disturb(checkout: string): Promise<void> {
  const entries = await readdir(checkout, { recursive: true })
  for (const [index, entry] of entries.entries()) {
    const path = join(checkout, entry)
    await chmod(path, (await lstat(path)).mode & 0o700)
    await chown(path, 12_345, 54_321)
    await utimes(path, 1e9 + index, 1e9 + index)
  }
}

const unpacked = (layout: string) => describeImage(`${layout}:1`, `${layout}-root`)
