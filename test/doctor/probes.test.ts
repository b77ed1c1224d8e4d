import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parseMountInfo } from '../../src/doctor/mounted-at.ts'
import { proxyFinding } from '../../src/doctor/network-findings.ts'
import { detectPlace } from '../../src/doctor/place.ts'
import { parseProcessStatus } from '../../src/doctor/process-status.ts'
import { s3Source } from '../../src/provision/s3-source.ts'
import { testFolder } from '../support/folder.ts'

describe('what the kernel says of a process', () => {
  it('is read by name', () => {
    const status = parseProcessStatus('Name:\tx\nCapEff:\t00000000a80425fb\nNoNewPrivs:\t1\nSeccomp:\t2\n')
    // Docker's default, capabilities(7).
    const names = 'CHOWN DAC_OVERRIDE FOWNER FSETID KILL SETGID SETUID SETPCAP NET_BIND_SERVICE NET_RAW SYS_CHROOT'
    expect(status.capabilities).toEqual([...names.split(' '), 'MKNOD', 'AUDIT_WRITE', 'SETFCAP'])
    expect(status).toMatchObject({ seccomp: 'filter', noNewPrivileges: true })
  })

  it('is nothing where it says nothing', () => {
    expect(parseProcessStatus('')).toMatchObject({ capabilities: [], seccomp: 'unknown', noNewPrivileges: false })
  })
})

describe('what a folder lies on', () => {
  const text = [
    '22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw',
    '30 22 0:5 / /mnt/with\\040space rw,noexec - tmpfs tmpfs rw,size=1k',
    '31 30 0:6 / /mnt/with\\040space ro,nodev - xfs /dev/sdb rw',
    '32 22 0:7 / /mnt/w rw - btrfs /dev/sdc ro',
  ].join('\n')

  it.each([
    ['/mnt/with space/in', 'xfs', ['ro', 'nodev', 'rw']],
    ['/mnt/within', 'ext4', ['rw', 'relatime']],
    ['/mnt/w', 'btrfs', ['rw', 'ro']],
  ])('%s: the deepest mount, the last of those', (path, type, options) => {
    const found = parseMountInfo(text, path)!
    expect([found.type, [...found.options]]).toEqual([type, options])
  })

  it('is unknown where nothing is known', () => {
    expect(parseMountInfo('', '/x')).toBeUndefined()
  })
})

describe('the place', () => {
  it.each([
    [{ GITLAB_CI: 'true', KUBERNETES_SERVICE_HOST: '10.0.0.1', CI: 'true' }, 'GitLab CI', ['gitlab']],
    [{ GITHUB_ACTIONS: 'true', CI: 'true' }, 'GitHub Actions', ['github']],
    [{ KUBERNETES_SERVICE_HOST: '10.0.0.1' }, 'Kubernetes', ['kubernetes']],
    [{ JENKINS_URL: 'x' }, 'Jenkins', ['gitlab', 'github', 'kubernetes']],
    [{ CI: 'true' }, 'a CI job', ['gitlab', 'github', 'kubernetes']],
    [{ GITLAB_CI: '' }, undefined, ['gitlab', 'github', 'kubernetes']],
  ])('of %j', (env, name, snippets) => {
    expect(detectPlace(env)).toEqual({ name, snippets })
  })
})

describe('the source of S3 credentials', () => {
  const KEYS = { AWS_ACCESS_KEY_ID: 'AKIA', AWS_SECRET_ACCESS_KEY: 'secret' }
  const WEB = { AWS_WEB_IDENTITY_TOKEN_FILE: '/token', AWS_ROLE_ARN: 'arn' }
  const CONFIG = '[default]\nregion = eu-west-1 # ours\n[profile ci]\nrole_arn = arn\nendpoint_url=http://s3.lan\n'

  it.each([
    [KEYS, 'environment (AWS_ACCESS_KEY_ID)', 'eu-west-1', undefined],
    [{ ...KEYS, AWS_SESSION_TOKEN: 'token' }, 'environment (AWS_ACCESS_KEY_ID and a session token)', 'eu-west-1'],
    [{ ...KEYS, AWS_PROFILE: 'ci' }, /^profile ci of .*config \(a role to assume\)$/, undefined, 'http://s3.lan'],
    [{ AWS_PROFILE: 'ci', AWS_ENDPOINT_URL_S3: 'http://a' }, /^profile ci/, undefined, 'http://a'],
    [{ AWS_PROFILE: 'kept', AWS_REGION: 'here' }, /^profile kept of .*credentials \(a key\)$/, 'here', undefined],
    [{ AWS_PROFILE: 'nobody', ...WEB }, /^web identity/, undefined, undefined],
    [WEB, 'web identity (AWS_WEB_IDENTITY_TOKEN_FILE)', 'eu-west-1', undefined],
    [{ AWS_CONTAINER_CREDENTIALS_RELATIVE_URI: '/x' }, /^container/, 'eu-west-1', undefined],
    [{}, undefined, 'eu-west-1', undefined],
  ] as const)('for %j', async (env, source, region, endpoint?) => {
    const home = await testFolder()
    await mkdir(join(home, '.aws'))
    await writeFile(join(home, '.aws/config'), CONFIG)
    await writeFile(join(home, '.aws/credentials'), '[kept]\naws_access_key_id=AKIA\naws_secret_access_key=secret\n')
    const found = await s3Source({ env, home })
    expect(found).toEqual({
      source: source instanceof RegExp ? expect.stringMatching(source) : source,
      region,
      endpoint,
    })
    expect(JSON.stringify(found)).not.toMatch(/"secret|AKIA"/)
  })
})

describe('proxies', () => {
  const proxy = (env: Record<string, string>) => proxyFinding({ env, home: '/', cacheFolder: '/', temporary: '/' })

  it.each([
    [{ http_proxy: 'http://proxy.lan:3128' }, 'ok', /^http_proxy proxy\.lan:3128$/],
    [{ http_proxy: 'not a hunter2' }, 'missing', /http_proxy is no address of an http proxy/],
    [{ HTTPS_PROXY: 'socks5://me:hunter2@proxy.lan:1' }, 'missing', /HTTPS_PROXY is no address of an http proxy/],
    [{ ALL_PROXY: 'foo://me:hunter2@x' }, 'missing', /^ALL_PROXY x \(.*ocibake itself does not read it\)$/],
    [{ ALL_PROXY: 'http://x', https_proxy: 'proxy.lan' }, 'ok', /does not read it/],
  ] as const)('%j', (env, state, found) => {
    const finding = proxy(env)
    expect(finding).toMatchObject({ state, found: expect.stringMatching(found) })
    expect(JSON.stringify(finding)).not.toContain('hunter2')
  })
})
