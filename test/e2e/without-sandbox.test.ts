/** Needs root, to make a container that allows nothing. A build without `run` steps needs nothing of a machine. */
import { execFileSync } from 'node:child_process'
import { chmodSync, chownSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { Diagnosis } from '../../src/doctor/diagnose.ts'
import { bake, cliProgram, runCli } from '../support/cli.ts'
import { inContainer } from '../support/container.ts'
import { startRegistry, type TestRegistry } from '../support/registry.ts'
import { type S3, startS3 } from '../support/s3.ts'
import { skopeoCopy, skopeoInspect } from '../support/skopeo.ts'
import { umociBase } from '../support/umoci-base.ts'

const USER = 12345

let registry: TestRegistry
let s3: S3
let outer = ''
/** Of the user who builds, and the only one that he can write to. */
let cache = ''
/** The spec and what it copies: nobody's to change. */
let project = ''

beforeAll(async () => {
  outer = await mkdtemp(join(tmpdir(), 'ocibake-nothing-'))
  chmodSync(outer, 0o755)
  cache = join(outer, 'cache')
  project = join(outer, 'project')
  mkdirSync(cache)
  chownSync(cache, USER, USER)
  mkdirSync(join(project, 'rootfs/opt/app/bin'), { recursive: true })
  writeFileSync(join(project, 'rootfs/opt/app/bin/start'), '#!/bin/sh\n', { mode: 0o755 })
  registry = await startRegistry()
  const made = join(outer, 'made')
  mkdirSync(made)
  await skopeoCopy(`oci:${await umociBase(made)}:base`, `docker://${registry.host}/base:1`, '--dest-tls-verify=false')
  writeFileSync(join(made, 'app'), 'from the bucket\n')
  execFileSync('tar', ['-czf', join(made, 'app.tgz'), '-C', made, 'app'])
  s3 = await startS3()
  s3.createBucket('releases')
  s3.put('releases', 'app.tgz', readFileSync(join(made, 'app.tgz')))
  const steps = [
    { copy: 'rootfs/', to: '/' },
    { unpack: 's3://releases/app.tgz', to: '/opt/app/share' },
    { write: '/etc/app.conf', text: 'port 1\n', owner: '7:8', mode: '4640' },
    { own: '/opt/app', by: '65100:1000' },
    { chmod: '/opt/app/bin', mode: '2750' },
    { link: '/usr/bin/start', target: '/opt/app/bin/start', hard: true },
    { remove: '/srv/**' },
  ]
  const spec = { from: `${registry.host}/base:1`, steps, config: { user: '65100' } }
  writeFileSync(join(project, 'app.spec.json'), JSON.stringify(spec))
})

afterAll(async () => {
  await registry?.stop()
  await s3?.stop()
  if (outer !== '') await rm(outer, { recursive: true, force: true })
})

/** No capability, no new privileges, no namespace, no ptrace, no helper, no /tmp, one folder to write to. */
async function nothing(): Promise<string[]> {
  const native = join(await cliProgram(), '../../native')
  return inContainer({
    ...{ folder: cache, uid: USER, gid: USER, noNewPrivileges: true, seccomp: 'strict', readOnly: true },
    ...{ shown: [project], hidden: [native] },
  })
}

const pushed = async (tag: string) => (await skopeoInspect(`docker://${registry.host}/app:${tag}`)).Digest

it('where nothing is allowed, a spec without scripts is built and pushed as root does it', async () => {
  const build = (tag: string) => [
    'build',
    join(project, 'app.spec.json'),
    '--tag',
    `${registry.host}/app:${tag}`,
    '--push',
  ]
  const wanted = await bake(build('root'), { cache: join(outer, 'root'), cwd: project, env: s3.env })
  const digest = await bake(build('nothing'), { cache, cwd: cache, under: await nothing(), env: s3.env })
  expect(digest).toBe(wanted)
  expect(await pushed('nothing')).toBe(wanted)
  expect(readdirSync(join(cache, 'store/tmp'))).toEqual([])
})

it('there, doctor says that no sandbox works and what is missing of each, and is no failure', async () => {
  const under = await nothing()
  const { code, stdout, stderr } = await runCli(['doctor', '--json'], { cache, cwd: cache, under })
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  const { findings, sandbox, refusal } = JSON.parse(stdout) as Diagnosis
  expect(sandbox).toBeNull()
  expect(refusal!.missing).toMatch(/chroot: .*ENOENT.*; userns: .*; ptrace: /)
  const state = (name: string) => findings.find(({ what }) => what === name)?.state
  for (const name of [
    'ocibake-sandbox',
    'ocibake-trace',
    'sandbox chroot',
    'sandbox userns',
    'sandbox ptrace',
    'ptrace',
  ])
    expect([name, state(name)]).toEqual([name, 'missing'])
  expect(state('cache folder')).toBe('ok')
  expect(findings.find(({ what }) => what === 'temporary folder')?.found).toMatch(
    /cannot be written \((EROFS|EACCES)\)/,
  )
})

it('there, with the helpers, each sandbox is refused by the kernel, in its own words', async () => {
  const under = inContainer({
    ...{ folder: cache, uid: USER, gid: USER, noNewPrivileges: true, seccomp: 'strict', readOnly: true },
  })
  const { stdout } = await runCli(['doctor', '--json'], { cache, cwd: cache, under })
  const { findings } = JSON.parse(stdout) as Diagnosis
  const refusal = (name: string) => findings.find(({ what }) => what === `sandbox ${name}`)?.found
  expect(refusal('chroot')).toMatch(/Operation not permitted/)
  expect(refusal('userns')).toMatch(/clone \(user namespace\): Operation not permitted/)
  expect(refusal('ptrace')).toMatch(/Operation not permitted/)
})
