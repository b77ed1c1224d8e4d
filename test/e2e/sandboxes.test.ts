/** Needs root, to be root and to become an ordinary user. */
import { readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { bake, runCli, SPECS } from '../support/cli.ts'
import { inContainer } from '../support/container.ts'
import { debianBase } from '../support/debian-base.ts'
import { NASTY_PACKAGES, nastySteps } from '../support/nasty-steps.ts'
import { AS_NOBODY, NOBODY } from '../support/ordinary-user.ts'
import { MEMCACHED_PACKAGES, packagesBase } from '../support/packages-base.ts'
import { DOCKER, folderAt, ORDINARY, type Place, PODMAN, PODMAN_USER, RESTRICTED, ROOT } from '../support/places.ts'
import { type S3, startS3 } from '../support/s3.ts'
import { sharedTarball } from '../support/shared-tarball.ts'

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
async function folderFor(place: Place, layout?: string): Promise<string> {
  const { outer, folder } = await folderAt(place, layout ?? (await debianBase()))
  folders = [...folders, outer]
  return folder
}

/** Builds the spec file there, in the sandbox of that place. @returns the digest */
async function build(place: Place, folder: string, spec: string, vars: readonly string[] = []): Promise<string> {
  const args = ['build', spec, ...vars, '--sandbox', place.sandbox, '--output', `oci:${folder}/out:1`]
  const digest = await bake(args, { cache: folder, cwd: folder, under: place.under(folder), env: s3.env })
  // Nothing of the run is left: what it laid out, whatever its modes, and its sessions.
  expect(await readdir(join(folder, 'store/tmp'))).toEqual([])
  return digest
}

async function nasty(place: Place): Promise<string> {
  const folder = await folderFor(place, await packagesBase(NASTY_PACKAGES))
  const spec = join(folder, 'nasty.spec.json')
  // All that is not as it was in the base is in the layer above it.
  const fields = { from: `oci:${folder}/base:base`, layers: 'append', steps: nastySteps() }
  await writeFile(spec, JSON.stringify(fields))
  return await build(place, folder, spec)
}

async function memcached(place: Place): Promise<string> {
  const folder = await folderFor(place, await packagesBase(MEMCACHED_PACKAGES))
  const { version, key } = await sharedTarball()
  const values = { version, object: key, base: `oci:${folder}/base:base` }
  const vars = Object.entries(values).flatMap(([name, value]) => ['--var', `${name}=${value}`])
  return await build(place, folder, join(SPECS, 'memcached.spec.ts'), vars)
}

describe('a spec that does everything nasty has the digest that root gives it', () => {
  let digest = ''
  beforeAll(async () => {
    digest = await nasty(ROOT)
  }, 300_000)

  it.each([
    ['nobody, with no new privileges', ORDINARY],
    ['root in a container as podman makes it', PODMAN],
    ['user 12345 in such a container, without capabilities', PODMAN_USER],
    ['root in a container as Docker makes it', DOCKER],
    ['user 12345 in a container that allows nothing but ptrace', RESTRICTED],
  ])('made by %s', { timeout: 300_000 }, async (_, place) => {
    expect(await nasty(place)).toBe(digest)
  })
})

it('memcached has the digest that root gives it', { timeout: 400_000 }, async () => {
  const digest = await memcached(ROOT)
  expect(await memcached(ORDINARY)).toBe(digest)
  expect(await memcached(RESTRICTED)).toBe(digest)
})

it('where there are no user namespaces, what is missing is said', async () => {
  const folder = await folderFor(ORDINARY)
  const spec = join(folder, 'none.spec.json')
  await writeFile(spec, JSON.stringify({ from: 'scratch', steps: [{ run: 'true' }] }))
  const under = inContainer({ folder, uid: NOBODY, gid: NOBODY, seccomp: 'docker' })
  const { code, stderr } = await runCli(['build', spec, '--sandbox', 'userns'], { cache: folder, cwd: folder, under })
  expect(stderr).toContain('SANDBOX_UNAVAILABLE')
  expect(stderr).toMatch(/The sandbox userns does not work here: .*clone \(user namespace\): Operation not permitted/)
  expect(stderr).toMatch(/-> In a container: allow user namespaces in its seccomp profile/)
  expect(code).toBe(1)
})

it('the sandbox is found, and named in one line', async () => {
  const folder = await folderFor(ORDINARY)
  const spec = join(folder, 'none.spec.json')
  await writeFile(spec, JSON.stringify({ from: 'scratch', steps: [{ run: 'true' }] }))
  const { code, stderr } = await runCli(['build', spec], { cache: folder, cwd: folder, under: AS_NOBODY })
  expect(stderr).toMatch(/^sandbox: userns \(.*recorded.*\)$/m)
  // There is no shell in scratch.
  expect(code).toBe(1)
})
