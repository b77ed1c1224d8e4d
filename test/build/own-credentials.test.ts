import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { ownCredentials } from '../../src/build/own-credentials.ts'
import { silent } from '../../src/events.ts'
import type { RunStep } from '../../src/provision/step.ts'
import { RegistryConnection } from '../../src/registry/connection.ts'
import { credentialLookup } from '../../src/registry/credentials.ts'
import { makePlan } from '../../src/spec/plan.ts'
import { startEcr } from '../support/ecr-server.ts'
import { testFolder } from '../support/folder.ts'
import { token } from '../support/secrets.ts'

const auth = (password: string) => ({ auth: Buffer.from(`me:${password}`).toString('base64') })

/** What is known of the credentials of a build with these variables, by their values. */
async function known(
  env: Record<string, string>,
  { secrets = [], tags = [] }: Partial<RunStep> & { tags?: string[] } = {},
) {
  const connection = new RegistryConnection({
    credentials: credentialLookup({ env, home: env.HOME ?? '/nowhere' }),
    insecureRegistries: new Set(),
    report: silent,
    userAgent: 'test',
  })
  onTestFinished(() => connection.close())
  const spec = { from: 'scratch', steps: [{ run: 'true', secrets }] }
  const plan = makePlan({ spec, file: 'a.spec.ts', folder: '/', name: 'a' }, { env, tags })
  const options = { connection, env: { HOME: '/nowhere', ...env }, targets: plan.tags }
  const { all } = await ownCredentials(plan, options)
  await ownCredentials(plan, options)
  return new Map(all.map(({ name, value }) => [value, name]))
}

/** A home with the file of credentials that docker has. */
async function homeWith(config: object): Promise<string> {
  const home = await testFolder()
  mkdirSync(join(home, '.docker'))
  writeFileSync(join(home, '.docker/config.json'), JSON.stringify(config))
  return home
}

describe('the credentials of a build', () => {
  it('are those of registries in variables and files, needed or not', async () => {
    const HOME = await homeWith({
      auths: { 'a.example.com': auth('one:two'), b: {}, c: { auth: '?' }, d: { identitytoken: 'tok' } },
    })
    const found = await known({
      HOME,
      OCIBAKE_REGISTRY_TOKEN: 'ghcr.io=me:pass word',
      OCIBAKE_REGISTRY_TOKEN_B: 'b.example.com=bare',
      DOCKER_AUTH_CONFIG: JSON.stringify({ auths: { x: auth('inline') } }),
    })
    const file = join(HOME, '.docker/config.json')
    expect(Object.fromEntries(found)).toEqual({
      'pass word': 'the password from OCIBAKE_REGISTRY_TOKEN',
      bare: 'the token from OCIBAKE_REGISTRY_TOKEN_B',
      inline: 'the password from DOCKER_AUTH_CONFIG',
      'one:two': `the password from ${file}`,
      tok: `the token from ${file}`,
    })
  })

  it('are what a helper has for a registry that is pushed to, for which it is asked once', async () => {
    const HOME = await homeWith({ credHelpers: { 'reg.example.com': 'mine', 'other.example.com': 'mine' } })
    const log = join(HOME, 'asked')
    const script = `#!/bin/sh\ncat >>${log}\nprintf '{"ServerURL":"x","Username":"u","Secret":"of the helper"}'\n`
    writeFileSync(join(HOME, 'docker-credential-mine'), script)
    chmodSync(join(HOME, 'docker-credential-mine'), 0o755)
    const env = { HOME, PATH: `${HOME}:${process.env.PATH}` }
    expect(await known(env)).toEqual(new Map())
    const found = await known(env, { tags: ['reg.example.com/app:1', 'reg.example.com/app:2'] })
    expect([...found.keys()]).toEqual(['of the helper'])
    expect(readFileSync(log, 'utf8').match(/reg\.example\.com/g)).toHaveLength(1)
  })

  it('are secrets of scripts, before all that has the same value', async () => {
    const folder = await testFolder()
    writeFileSync(join(folder, 'secret'), 'in a file\n')
    const secrets = [
      { id: 'a', source: `file:${join(folder, 'secret')}` },
      { id: 'b', source: 'env:SOME_TOKEN' },
    ]
    const value = token('some')
    const found = await known({ SOME_TOKEN: value }, { secrets })
    expect([...found.keys()].sort()).toEqual(['in a file', value].sort())
  })

  it.each([
    ['AWS_SECRET_ACCESS_KEY', token('a', 40)],
    ['AWS_SESSION_TOKEN', token('b', 300)],
    ['CI_JOB_TOKEN', token('c', 20)],
    ['CI_REGISTRY_PASSWORD', 'correct horse battery staple'],
    ['stripe_api_key', token('d', 14)],
  ])('are the values of variables such as %s', async (name, value) => {
    expect(await known({ [name]: value })).toEqual(new Map([[value, `the value of ${name}`]]))
  })

  it.each([
    ['DB_PASSWORD', 'postgres1'],
    ['GOOGLE_APPLICATION_CREDENTIALS', '/home/me/keys/account.json'],
    ['AWS_ACCESS_KEY_ID', token('id', 20)],
    ['TOKENIZER', token('t', 20)],
    ['SSH_AUTH_SOCK', token('s', 20)],
    ['GITHUB_SHA', token('sha', 40)],
  ])('are not what %s says', async (name, value) => {
    expect(await known({ [name]: value })).toEqual(new Map())
  })

  it('are passwords of proxies, as they are written and as they are meant', async () => {
    const found = await known({
      HTTPS_PROXY: 'http://me:a%2Fb%40c@proxy.example.com:3128',
      http_proxy: 'proxy.example.com:3128',
      all_proxy: 'user:100%@proxy.example.com',
    })
    expect(Object.fromEntries(found)).toEqual({
      'a%2Fb%40c': 'the password in HTTPS_PROXY',
      'a/b@c': 'the password in HTTPS_PROXY',
      '100%': 'the password in all_proxy',
    })
  })

  it('have the password that AWS gives for a push, which no earlier build can have had', async () => {
    const ecr = await startEcr({ login: 'AWS:fresh-password-of-this-hour' })
    onTestFinished(() => ecr.stop())
    const env = { ...ecr.env, HOME: '/nowhere', CONTAINERS_REGISTRIES_CONF: '/dev/null' }
    for (const [name, value] of Object.entries(ecr.env)) vi.stubEnv(name, value)
    onTestFinished(() => void vi.unstubAllEnvs())
    const connection = new RegistryConnection({
      credentials: credentialLookup({ env, home: '/nowhere' }),
      insecureRegistries: new Set(),
      report: silent,
      userAgent: 'test',
    })
    onTestFinished(() => connection.close())
    const tags = ['123456789012.dkr.ecr.eu-west-1.amazonaws.com/app:1', 'registry.example.com/app:1']
    const plan = makePlan({ spec: { from: 'scratch', steps: [] }, file: 'a', folder: '/', name: 'a' }, { env, tags })
    const { signal } = new AbortController()
    for (const target of plan.tags) await connection.foreseePush(target, signal)
    const { kept, all } = await ownCredentials(plan, { connection, env, targets: plan.tags })
    const values = (list: typeof all) => list.map(({ value }) => value)
    expect(values(all)).toContain('fresh-password-of-this-hour')
    expect(values(kept)).not.toContain('fresh-password-of-this-hour')
    expect(ecr.seen).toHaveLength(1)
    await connection.foreseePush(plan.tags[0]!, signal)
    expect(ecr.seen).toHaveLength(1)
  })
})
