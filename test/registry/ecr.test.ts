import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import type { OcibakeError } from '../../src/errors.ts'
import { silent } from '../../src/events.ts'
import { Network } from '../../src/network/network.ts'
import { credentialLookup } from '../../src/registry/credentials.ts'
import { ecrService } from '../../src/registry/ecr-host.ts'
import { Transport } from '../../src/registry/transport.ts'
import { bake, runCli } from '../support/cli.ts'
import { type EcrServer, type EcrServerOptions, startEcr } from '../support/ecr-server.ts'
import { testFolder } from '../support/folder.ts'
import { startProxy } from '../support/proxy.ts'
import { REGISTRY_USER, startRegistry } from '../support/registry.ts'

const { signal } = new AbortController()
const HOST = '123456789012.dkr.ecr.eu-west-1.amazonaws.com'
const LOGIN = 'AWS:eyJ.password'

test.each([
  [HOST, 'api.ecr.eu-west-1.amazonaws.com', 'eu-west-1'],
  ['123456789012.dkr.ecr-fips.us-east-1.amazonaws.com', 'ecr-fips.us-east-1.amazonaws.com', 'us-east-1'],
  ['123456789012.dkr.ecr.us-gov-west-1.amazonaws.com', 'api.ecr.us-gov-west-1.amazonaws.com', 'us-gov-west-1'],
  ['123456789012.dkr.ecr-fips.us-gov-east-1.amazonaws.com', 'ecr-fips.us-gov-east-1.amazonaws.com', 'us-gov-east-1'],
  ['123456789012.dkr.ecr.cn-northwest-1.amazonaws.com.cn', 'api.ecr.cn-northwest-1.amazonaws.com.cn', 'cn-northwest-1'],
  ['123456789012.dkr.ecr.us-iso-east-1.c2s.ic.gov', 'api.ecr.us-iso-east-1.c2s.ic.gov', 'us-iso-east-1'],
  ['123456789012.dkr.ecr.us-isob-east-1.sc2s.sgov.gov', 'api.ecr.us-isob-east-1.sc2s.sgov.gov', 'us-isob-east-1'],
  ['123456789012.dkr.ecr.eu-isoe-west-1.cloud.adc-e.uk', 'api.ecr.eu-isoe-west-1.cloud.adc-e.uk', 'eu-isoe-west-1'],
  ['123456789012.dkr.ecr.us-isof-south-1.csp.hci.ic.gov', 'api.ecr.us-isof-south-1.csp.hci.ic.gov', 'us-isof-south-1'],
  ['123456789012.dkr.ecr.eusc-de-east-1.amazonaws.eu', 'api.ecr.eusc-de-east-1.amazonaws.eu', 'eusc-de-east-1'],
  ['123456789012.dkr-ecr.ap-southeast-4.on.aws', 'ecr.ap-southeast-4.api.aws', 'ap-southeast-4'],
  ['123456789012.dkr-ecr-fips.us-east-2.on.aws', 'ecr-fips.us-east-2.api.aws', 'us-east-2'],
  [
    '123456789012.dkr-ecr.cn-north-1.on.amazonwebservices.com.cn',
    'ecr.cn-north-1.api.amazonwebservices.com.cn',
    'cn-north-1',
  ],
])('%s is asked about at %s', (host, api, region) => {
  expect(ecrService(host)).toEqual({ api, region, service: 'ecr' })
})

test.each([
  ['public.ecr.aws', 'api.ecr-public.us-east-1.amazonaws.com'],
  ['ecr-public.aws.com', 'ecr-public.us-east-1.api.aws'],
])('%s is ECR Public', (host, api) => {
  expect(ecrService(host)).toEqual({ api, region: 'us-east-1', service: 'ecr-public' })
})

test.each([
  `${HOST}.evil.example`,
  `evil.${HOST}`,
  `${HOST}:443`,
  `${HOST}.`,
  '123456789012.dkr.ecr.eu-west-1.evil-amazonaws.com',
  '123456789012.dkr.ecr.eu-west-1.amazonaws.com.evil.example',
  '123456789012.dkr.ecr.eu-west-1.amazonaws.com.cn',
  '123456789012.dkr.ecr.cn-north-1.amazonaws.com',
  '123456789012.dkr.ecr.eu-west-1.amazonaws.org',
  '123456789012.dkr.ecr.evil.example.amazonaws.com',
  '123456789012.dkr-ecr.eu-west-1.amazonaws.com',
  '123456789012.dkr.ecr.eu-west-1.on.aws',
  '12345678901.dkr.ecr.eu-west-1.amazonaws.com',
  'team.dkr.ecr.eu-west-1.amazonaws.com',
  'dkr.ecr.eu-west-1.amazonaws.com',
  'public.ecr.aws.evil.example',
  'evil-public.ecr.aws',
  'gallery.ecr.aws',
  'amazonaws.com',
])('%s is nothing of ECR', (host) => {
  expect(ecrService(host)).toBeUndefined()
})

describe('the password of a registry', () => {
  beforeEach(() => {
    for (const name of Object.keys(process.env)) if (name.startsWith('AWS_')) vi.stubEnv(name, undefined)
  })
  afterEach(() => void vi.unstubAllEnvs())

  async function lookupWith(options: Partial<EcrServerOptions> & { given?: Record<string, string> } = {}) {
    const ecr: EcrServer = await startEcr({ login: LOGIN, ...options })
    const env: Record<string, string> = { ...ecr.env, ...options.given }
    for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value)
    const network = new Network()
    const transport = new Transport({ userAgent: 'x', insecure: new Set(), report: silent, network })
    onTestFinished(async () => {
      network.close()
      await ecr.stop()
    })
    const home = await testFolder()
    const lookup = credentialLookup({ env, home })
    return { ecr, home, ask: (host: string, push = false) => lookup(host, 'team/app', { transport, push, signal }) }
  }

  test('is what AWS gives to whom its variables say, and ends five minutes early', async () => {
    const { ask, ecr } = await lookupWith()
    const before = Date.now()
    const found = await ask(HOST)
    expect(found).toMatchObject({ username: 'AWS', password: 'eyJ.password', source: 'AWS (env vars)' })
    expect(found!.renewAt! - before).toBeGreaterThan(43_200_000 - 310_000)
    expect(found!.renewAt! - before).toBeLessThan(43_200_000 - 290_000)
    const [request] = ecr.seen
    expect(request?.headers.authorization).toContain('/eu-west-1/ecr/aws4_request')
    expect(request?.body.toString()).toBe('{}')
  })

  test('is signed for with a session token, too', async () => {
    const keys = { accessKeyId: 'ASIATESTTESTTESTTEST', secretAccessKey: 'secret', sessionToken: 'session/token==' }
    expect(await (await lookupWith({ keys })).ask(HOST)).toMatchObject({ password: 'eyJ.password' })
  })

  test('ends with the session of a profile that has an end', async () => {
    const { ask, home } = await lookupWith()
    const end = new Date(Date.now() + 3_600_000)
    const keys = { AccessKeyId: 'AKIATESTTESTTESTTEST', SecretAccessKey: 'test/secret+key=of/forty/characters/1234' }
    await writeFile(join(home, 'keys.json'), JSON.stringify({ Version: 1, ...keys, Expiration: end.toISOString() }))
    await writeFile(join(home, 'config'), `[profile ci]\ncredential_process = cat ${join(home, 'keys.json')}\n`)
    vi.stubEnv('AWS_PROFILE', 'ci')
    vi.stubEnv('AWS_ACCESS_KEY_ID', '')
    vi.stubEnv('AWS_CONFIG_FILE', join(home, 'config'))
    const found = await ask(HOST)
    expect(found).toMatchObject({ password: 'eyJ.password', renewAt: end.getTime() - 300_000 })
    expect(found!.source).toMatch(/^AWS \(.*process/)
  })

  test('of ECR Public is asked for to push, not to pull', async () => {
    const { ask, ecr } = await lookupWith()
    expect(await ask('public.ecr.aws')).toBeUndefined()
    expect(ecr.seen).toEqual([])
    expect(await ask('public.ecr.aws', true)).toMatchObject({ password: 'eyJ.password' })
    expect(ecr.seen[0]?.headers.authorization).toContain('/us-east-1/ecr-public/aws4_request')
  })

  test('is not asked for where somebody has given one, nor for other hosts', async () => {
    const { ask, ecr } = await lookupWith({ given: { OCIBAKE_REGISTRY_TOKEN: `${HOST}=AWS:given` } })
    expect(await ask(HOST)).toMatchObject({ password: 'given' })
    expect(await ask(`evil-${HOST}`)).toBeUndefined()
    expect(ecr.seen).toEqual([])
  })

  test.each([
    ['wrong keys', { AWS_SECRET_ACCESS_KEY: 'wrong' }, undefined, 'REGISTRY_UNAUTHORIZED', 'UnrecognizedClient'],
    [
      'no right',
      {},
      ['AccessDeniedException', 'x is not authorized'],
      'REGISTRY_DENIED',
      'AccessDeniedException: x is',
    ],
    ['a session that has ended', {}, ['ExpiredTokenException', 'over'], 'REGISTRY_UNAUTHORIZED', 'ExpiredToken'],
    ['no password', {}, ['', '', 200], 'REGISTRY_ERROR', 'without a password'],
    ['no keys', { AWS_ACCESS_KEY_ID: '' }, undefined, 'REGISTRY_UNAUTHORIZED', 'no AWS credentials were found'],
  ] as const)('with %s is an error that says so and shows no key', async (_, given, answer, code, words) => {
    const [type, message, status = 400] = answer ?? []
    const refuse = answer && { status, body: JSON.stringify({ __type: `a.b#${type}`, message }) }
    const { ask } = await lookupWith({ given, ...(refuse && { refuse }) })
    const error = (await ask(HOST).catch((fault: unknown) => fault)) as OcibakeError
    expect(error).toMatchObject({ code, message: expect.stringContaining(words) })
    expect(error.message).toContain(HOST)
    expect(`${error.message} ${error.hint}`).not.toMatch(/test\/secret|Signature=/)
  })
})

test('an image goes to ECR and comes from it with nothing but AWS keys', async () => {
  const folder = await testFolder()
  const registry = await startRegistry({ tls: true, auth: 'basic', names: [HOST] })
  const ecr = await startEcr({ login: `${REGISTRY_USER.username}:${REGISTRY_USER.password}` })
  const proxy = await startProxy({ hosts: { [`${HOST}:443`]: registry.host } })
  onTestFinished(() => Promise.all([registry.stop(), ecr.stop(), proxy.stop()]).then(() => {}))
  await writeFile(join(folder, 'a.spec.json'), JSON.stringify({ from: 'scratch', steps: [{ write: '/a', text: 'a' }] }))
  const trust = { https_proxy: proxy.url, no_proxy: '', SSL_CERT_FILE: registry.caFile!, SSL_CERT_DIR: '' }
  const around = { cache: folder, cwd: folder, env: { ...trust, ...ecr.env } }
  const pushed = await bake(['build', 'a.spec.json', '--push', '--tag', `${HOST}/team/a:1`], around)
  expect(await bake(['inspect', `${HOST}/team/a:1`], around)).toContain(pushed.trim())
  const nobody = await runCli(['inspect', `${HOST}/team/a:1`], {
    ...around,
    env: { ...around.env, AWS_ACCESS_KEY_ID: '', AWS_SECRET_ACCESS_KEY: '' },
  })
  expect(nobody.code).toBe(3)
  expect(nobody.stderr).toContain('no AWS credentials were found')
  expect(nobody.stderr).toContain('-> Give some (AWS_PROFILE')
  const stale = { ...around.env, OCIBAKE_REGISTRY_TOKEN: `${HOST}=AWS:of-yesterday` }
  const refused = await runCli(['inspect', `${HOST}/team/a:1`], { ...around, env: stale })
  expect(refused.stderr).toContain("asked as 'AWS' from OCIBAKE_REGISTRY_TOKEN")
  expect(refused.stderr).toContain(`ocibake logout ${HOST}`)
})
