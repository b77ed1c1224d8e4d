/** Needs root, to be root and to become an ordinary user. */
import { chmodSync, chownSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import type { Diagnosis } from '../../src/doctor/diagnose.ts'
import { renderDiagnosis } from '../../src/doctor/render-diagnosis.ts'
import { snippet } from '../../src/doctor/snippets.ts'
import { type CliOptions, type CliResult, runCli } from '../support/cli.ts'
import { inContainer } from '../support/container.ts'
import { AS_NOBODY, NOBODY } from '../support/ordinary-user.ts'

let outer = ''
/** Nobody's. */
let folder = ''

beforeEach(async () => {
  outer = await mkdtemp(join(tmpdir(), 'ocibake-doctor-'))
  chmodSync(outer, 0o755)
  folder = join(outer, 'home')
  mkdirSync(folder)
  chownSync(folder, NOBODY, NOBODY)
})
afterEach(() => rm(outer, { recursive: true, force: true }))

function doctor(args: readonly string[], options: Partial<CliOptions> = {}): Promise<CliResult> {
  return runCli(['doctor', ...args], { cache: folder, cwd: folder, ...options })
}

async function diagnosis(options: Partial<CliOptions> = {}): Promise<Diagnosis> {
  const { code, stdout, stderr } = await doctor(['--json'], options)
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  return JSON.parse(stdout)
}

const found = ({ findings }: Diagnosis, name: string) => findings.find(({ what }) => what === name)

it('every probe is in the table, in a few lines each, and nothing is left', async () => {
  const { findings, sandbox, snippets } = await diagnosis()
  expect(findings.map(({ what }) => what)).toEqual([
    ...['user', 'capabilities', 'seccomp', 'no-new-privileges'],
    ...['mount', 'overlayfs', 'user namespaces', 'subordinate ids', 'ptrace'],
    ...['sandbox chroot', 'sandbox userns', 'sandbox ptrace', 'sandbox proot'],
    ...[
      'ocibake-sandbox',
      'ocibake-trace',

      'proot',
      'tar',
      'xz',
      'bzip2',
      'mmdebstrap',
      'ansible-playbook',
    ],
    ...['cache folder', 'temporary folder', 'proxy', 'registry credentials', 'S3 credentials', 'CI'],
  ])
  expect(sandbox?.name).toBe('chroot')
  expect(snippets.map(({ name }) => name)).toEqual(['gitlab', 'github', 'kubernetes'])
  const { stdout } = await doctor([])
  for (const { what, state, found, neededFor } of findings) {
    expect(stdout).toMatch(new RegExp(`^${state} +${what} +\\S`, 'm'))
    // Other tests use the disk meanwhile.
    if (!what.endsWith('folder')) expect(stdout).toContain(found)
    expect(stdout).toContain(`for: ${neededFor}`)
  }
  expect(stdout).toMatch(/\nScripts run in the sandbox chroot: [^\n]*$/)
  expect(stdout).toContain('--snippet gitlab|github|kubernetes\n')
  expect(stdout).not.toContain('runs-on')
  expect(readdirSync(folder)).toEqual([])
})

it('an ordinary user without HOME, whose cache folder is read-only, is told that builds fail', async () => {
  chmodSync(folder, 0o555)
  chownSync(folder, 0, 0)
  const under = [...AS_NOBODY, 'env', '--unset=HOME']
  const told = await doctor(['--json'], { under })
  expect(told.code).toBe(1)
  expect(told.stderr).toMatch(/^OUTPUT_FAILED\n.*No build works here: The cache folder .* cannot be written \(EACCES\)/)
  const diagnosed: Diagnosis = JSON.parse(told.stdout)
  expect(found(diagnosed, 'sandbox userns')!.found).toMatch(/^works \(tried in .*, not in the cache folder\)$/)
  expect(renderDiagnosis(diagnosed)).toMatch(/\nNo build works here: [^\n]*\n-> [^\n]*--cache-dir[^\n]*\n$/)
  expect(found(diagnosed, 'cache folder')).toMatchObject({
    state: 'missing',
    found: expect.stringMatching(/^\/.*home\/store \(not made yet\): \w+.*, \d.* free, cannot be written \(EACCES\)$/),
    howToGet: expect.stringContaining('--cache-dir'),
  })
  expect(found(diagnosed, 'user')).toMatchObject({ state: 'not needed', found: `uid ${NOBODY}, gid ${NOBODY}` })
  expect(found(diagnosed, 'capabilities')).toMatchObject({ state: 'not needed', found: 'none' })
  expect(found(diagnosed, 'sandbox chroot')).toMatchObject({ state: 'not needed' })
  expect(found(diagnosed, 'no-new-privileges')!.found).toMatch(/^set/)
  expect(diagnosed.sandbox?.name).toBe('userns')
})

it('a user without an account and without HOME is at home nowhere', async () => {
  const under = ['setpriv', '--reuid=54321', '--regid=54321', '--clear-groups', 'env', '--unset=HOME']
  const { findings }: Diagnosis = JSON.parse(
    (await doctor(['--json'], { under, env: { OCIBAKE_CACHE_DIR: '' } })).stdout,
  )
  expect(findings.find(({ what }) => what === 'cache folder')?.found).toMatch(/^\/\.cache\/ocibake \(not made yet\)/)
})

it('in a restricted pod the tracer is chosen, and the pod can be pasted', async () => {
  const under = inContainer({ folder, uid: NOBODY, gid: 0, noNewPrivileges: true, seccomp: 'docker' })
  const diagnosed = await diagnosis({ under, env: { KUBERNETES_SERVICE_HOST: '10.0.0.1' } })
  expect(diagnosed.sandbox?.name).toBe('ptrace')
  expect(found(diagnosed, 'seccomp')!.found).toMatch(/^a filter/)
  expect(found(diagnosed, 'user namespaces')).toMatchObject({
    state: 'not needed',
    found: expect.stringMatching(/^refused/),
  })
  expect(found(diagnosed, 'CI')!.found).toBe('Kubernetes')
  expect(diagnosed.snippets.map(({ name }) => name)).toEqual(['kubernetes'])
})

it('a sandbox that a build names and does not work is named alone, with the one that would do', async () => {
  const under = inContainer({ folder, uid: NOBODY, gid: 0, noNewPrivileges: true, seccomp: 'docker' })
  const spec = join(folder, 'app.spec.json')
  writeFileSync(
    spec,
    JSON.stringify({ from: 'scratch', steps: [{ copy: '/bin/busybox', to: '/bin/sh' }, { run: ':' }] }),
  )
  const options = { cache: folder, cwd: folder, under }
  const { stderr } = await runCli(['build', spec, '--sandbox', 'userns'], options)
  expect(stderr).toMatch(/The sandbox userns does not work here: .*\n.*Without --sandbox it would be ptrace\./)
})

it('where the kernel counts out user namespaces, both rows name the sysctl', async () => {
  chownSync(folder, 0, 0)
  const script = 'echo 0 >/proc/sys/user/max_user_namespaces; exec "$@"'
  const diagnosed = await diagnosis({ under: ['unshare', '--map-root-user', 'sh', '-c', script, 'sh'] })
  const advice = found(diagnosed, 'user namespaces')!.howToGet
  expect(advice).toContain('sysctl -w user.max_user_namespaces')
  expect(advice).toBe(found(diagnosed, 'sandbox userns')!.howToGet)
})

it('a cache folder on a full disk is why no build works', async () => {
  const script = `mount -t tmpfs -o size=32k none ${folder}; head -c 1M /dev/zero >${folder}/x; exec "$@"`
  const { code, stderr } = await doctor([], { cwd: '/', under: ['unshare', '--mount', 'sh', '-c', script, 'sh'] })
  expect(stderr).toMatch(/DISK_FULL\n.*No build works here: The cache folder .* cannot be written \(ENOSPC\)/)
  expect(code).toBe(1)
})

it('a sandbox that was named and does not work is a failure, after the table', async () => {
  const { code, stdout, stderr } = await doctor(['--sandbox', 'chroot'], { under: AS_NOBODY })
  expect(stdout).toMatch(/^The sandbox chroot does not work here: .*\n-> Run as root/m)
  expect(stderr).toMatch(/^SANDBOX_UNAVAILABLE\n/)
  expect(code).toBe(1)
  expect((await doctor(['--sandbox', 'userns'], { under: AS_NOBODY })).code).toBe(0)
})

it('the job that is asked for is all that is printed', async () => {
  const { stdout } = await doctor(['--snippet', 'github'], { env: { GITLAB_CI: 'true' } })
  expect(stdout).toBe(snippet('github').text.trimEnd())
})

it('where credentials are is said, and never what they are', async () => {
  const secret = 'hunter2'
  const auth = Buffer.from(`me:${secret}`).toString('base64')
  const file = join(folder, 'auth.json')
  const kept = { auths: { 'registry.example.com/team': { auth } }, credHelpers: { 'ghcr.io': 'nowhere' } }
  writeFileSync(file, JSON.stringify(kept))
  const env = {
    REGISTRY_AUTH_FILE: file,
    OCIBAKE_REGISTRY_TOKEN: `quay.io=me:${secret}`,
    AWS_ACCESS_KEY_ID: `AKIA${secret}`,
    AWS_SECRET_ACCESS_KEY: secret,
    AWS_REGION: 'eu-north-1',
    AWS_ENDPOINT_URL: `https://me:${secret}@s3.example.com/?token=${secret}`,
    https_proxy: `http://me:${secret}@proxy.example.com:3128`,
    no_proxy: '10.0.0.1,.lan',
  }
  const diagnosed = await diagnosis({ env })
  expect(found(diagnosed, 'registry credentials')).toMatchObject({
    state: 'missing',
    found: `OCIBAKE_REGISTRY_TOKEN: quay.io; ${file}: registry.example.com/team, ghcr.io by docker-credential-nowhere (NOT ON THE PATH)`,
  })
  expect(found(diagnosed, 'S3 credentials')!.found).toBe(
    'environment (AWS_ACCESS_KEY_ID); region eu-north-1, endpoint s3.example.com',
  )
  expect(found(diagnosed, 'proxy')!.found).toContain('https_proxy proxy.example.com:3128')
  const { stdout, stderr } = await doctor([], { env })
  for (const text of [JSON.stringify(diagnosed), stdout, stderr]) {
    expect(text).not.toContain(secret)
    expect(text).not.toContain(auth)
  }
})

it('a credentials file that cannot be read is named with what is wrong with it', async () => {
  const file = join(folder, 'auth.json')
  writeFileSync(file, '{ "auths": [')
  const diagnosed = await diagnosis({ env: { REGISTRY_AUTH_FILE: file } })
  expect(found(diagnosed, 'registry credentials')).toMatchObject({
    state: 'missing',
    found: expect.stringContaining(`${file} is not JSON`),
  })
})
