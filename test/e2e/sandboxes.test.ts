/** Needs root, to be root and to become an ordinary user. */
import { chownSync } from 'node:fs'
import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { bake, runCli, SPECS } from '../support/cli.ts'
import { debianBase } from '../support/debian-base.ts'
import { nastySteps } from '../support/nasty-steps.ts'
import { AS_NOBODY, folderOfNobody, NOBODY } from '../support/ordinary-user.ts'
import { type S3, startS3 } from '../support/s3.ts'
import { sharedTarball } from '../support/shared-tarball.ts'

/** What runs the command, and which sandbox it has to find. */
interface Place {
  readonly sandbox: string
  readonly under: readonly string[]
}

const ROOT: Place = { sandbox: 'chroot', under: [] }
const PLACES: readonly (readonly [string, Place])[] = [
  ['nobody, with no new privileges', { sandbox: 'userns', under: AS_NOBODY }],
]

let folders: string[] = []
let s3: S3

beforeAll(async () => {
  await Promise.all([debianBase(), sharedTarball()])
  s3 = await startS3()
  const { key, path } = await sharedTarball()
  s3.createBucket('coredgeapplications')
  s3.put('coredgeapplications', key, await readFile(path))
}, 300_000)

afterAll(async () => {
  await s3?.stop()
  for (const folder of folders) await rm(folder, { recursive: true, force: true })
})

/** A folder of whoever builds there, with the base in it: `base`. */
async function folderFor(place: Place): Promise<string> {
  const isNobody = place.under === AS_NOBODY
  const folder = isNobody ? await folderOfNobody() : await mkdtemp(join(tmpdir(), 'ocibake-sandboxes-'))
  folders = [...folders, folder]
  await cp(await debianBase(), join(folder, 'base'), { recursive: true })
  if (isNobody) await giveTo(NOBODY, folder)
  return folder
}

async function giveTo(user: number, folder: string): Promise<void> {
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true }))
    chownSync(join(entry.parentPath, entry.name), user, user)
}

/** Builds the spec file there, in the sandbox of that place. @returns the digest */
async function build(place: Place, folder: string, spec: string, vars: readonly string[] = []): Promise<string> {
  const args = ['build', spec, ...vars, '--sandbox', place.sandbox, '--output', `oci:${folder}/out:1`]
  const digest = await bake(args, { cache: folder, cwd: folder, under: place.under, env: s3.env })
  // Nothing of the run is left: what it laid out, whatever its modes, and its sessions.
  expect(await readdir(join(folder, 'store/tmp'))).toEqual([])
  return digest
}

async function nasty(place: Place): Promise<string> {
  const folder = await folderFor(place)
  const spec = join(folder, 'nasty.spec.json')
  await writeFile(spec, JSON.stringify({ from: `oci:${folder}/base:base`, steps: nastySteps() }))
  return await build(place, folder, spec)
}

async function memcached(place: Place): Promise<string> {
  const folder = await folderFor(place)
  const { version, key } = await sharedTarball()
  const values = { version, object: key, base: `oci:${folder}/base:base` }
  const vars = Object.entries(values).flatMap(([name, value]) => ['--var', `${name}=${value}`])
  return await build(place, folder, join(SPECS, 'memcached.spec.ts'), vars)
}

describe.each([
  ['a spec that does everything nasty', nasty],
  ['memcached', memcached],
])('%s', (_, make) => {
  let digest = ''
  beforeAll(async () => {
    digest = await make(ROOT)
  }, 300_000)

  it.each(PLACES)('has the digest that root gives it, made by %s', { timeout: 300_000 }, async (_name, place) => {
    expect(await make(place)).toBe(digest)
  })
})

it('the sandbox is found, and named in one line', async () => {
  const folder = await folderOfNobody()
  folders = [...folders, folder]
  const spec = join(folder, 'none.spec.json')
  await writeFile(spec, JSON.stringify({ from: 'scratch', steps: [{ run: 'true' }] }))
  const { code, stderr } = await runCli(['build', spec], { cache: folder, cwd: folder, under: AS_NOBODY })
  expect(stderr).toMatch(/^sandbox: userns \(.*recorded.*\)$/m)
  // There is no shell in scratch.
  expect(code).toBe(1)
})
