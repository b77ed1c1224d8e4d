/** What must not get into an image, and does not. */
import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { Bakery } from '../support/bakery.ts'
import { startRegistry } from '../support/registry.ts'
import { awsVariables, examples, token } from '../support/secrets.ts'
import { skopeoInspect } from '../support/skopeo.ts'

const PASSWORD = token('password', 24)
const env = { OCIBAKE_REGISTRY_TOKEN: `registry.example.com=me:${PASSWORD}` }
const AUTH = Buffer.from(`me:${PASSWORD}`).toString('base64')

let bakery: Bakery

beforeAll(async () => {
  bakery = await Bakery.open()
  mkdirSync(bakery.at('app/config'), { recursive: true })
  mkdirSync(bakery.at('app/tests'))
  writeFileSync(bakery.at('app/config/key.pem'), examples()['private-key']!)
  writeFileSync(bakery.at('app/config/auth'), `auth=${AUTH}\n`)
  symlinkSync(PASSWORD, bakery.at('app/config/link'))
  writeFileSync(bakery.at('app/tests/key.pem'), examples()['private-key']!)
})

afterAll(() => bakery?.close())

/** The error of a build that has to fail, without what was said before it. */
async function refused(fields: object, args?: readonly string[], more: Readonly<Record<string, string>> = {}) {
  const { code, stdout, stderr } = await bakery.build(fields, args, { env: { ...env, ...more } })
  expect({ code, stdout }, stderr).toEqual({ code: 1, stdout: '' })
  const secrets = [PASSWORD, AUTH, ...Object.values(examples()), ...Object.values(more)]
  for (const secret of secrets) expect(stderr).not.toContain(secret)
  return stderr.slice(stderr.indexOf('SECRET_FOUND')).trimEnd().split('\n')
}

/** The digest of a build that has to succeed; its output goes. */
async function built(fields: object, output = 'oci:out:1'): Promise<string> {
  const { code, stdout, stderr } = await bakery.build(fields, ['-o', output], { env })
  expect(code, stderr).toBe(0)
  rmSync(bakery.at('out'), { recursive: true, force: true })
  return stdout
}

describe('a secret in a file', () => {
  it('fails the build, which says where it is, what it is, which step brought it, and leaves no output', async () => {
    const npm = token('npm secret', 20)
    const secrets = [{ id: 'npm', source: 'env:FOR_NPM' }]
    const steps = [
      { copy: 'app/', to: '/opt/app' },
      { run: 'mkdir -p /etc/app; printf "x%s" "$(cat /run/secrets/npm)" | base64 >/etc/app/copy', secrets },
      { own: '/opt/app', by: '1:1' },
    ]
    expect(await refused({ from: bakery.base, steps }, undefined, { FOR_NPM: npm })).toEqual([
      'SECRET_FOUND  app.spec.json',
      "  /etc/app/copy has the secret 'npm', in base64, from step 2 (run).",
      '  /opt/app/config/auth has the password from OCIBAKE_REGISTRY_TOKEN, in base64, from step 1 (copy).',
      '  /opt/app/config/key.pem has a private key, from step 1 (copy).',
      '  /opt/app/config/link has the password from OCIBAKE_REGISTRY_TOKEN, from step 1 (copy).',
      "  -> Take it out of the image. If it is meant to be there, write into the spec: allowSecrets: ['/etc/app/copy', '/opt/app/config/auth', '/opt/app/config/key.pem', '/opt/app/config/link']",
    ])
    await bakery.expectNothingLeft()
  })

  it('is not told when it is in the name of the file; the pattern that would allow it has a wildcard there', async () => {
    const github = examples()['github-token']!
    const url = Buffer.from(`x ${PASSWORD}`).toString('base64url')
    const names = [`at-${PASSWORD}`, `b-${url}`, `c-${github}.txt`]
    mkdirSync(bakery.at('named'))
    for (const name of names) writeFileSync(bakery.at(`named/${name}`), '')
    const steps = [{ copy: 'named/', to: '/s' }]
    const told = await refused({ steps })
    expect(told.slice(1)).toEqual([
      '  /s/at-*** has the password from OCIBAKE_REGISTRY_TOKEN.',
      '  /s/b-eC*** has the password from OCIBAKE_REGISTRY_TOKEN, in base64.',
      '  /s/c-*** has a token for GitHub.',
      expect.stringContaining("allowSecrets: ['/s/at-*', '/s/b-eC*', '/s/c-*']"),
    ])
    for (const part of [url.slice(3), github]) expect(told.join('\n')).not.toContain(part)
    await built({ steps, allowSecrets: ['/s/at-*', '/s/b-eC*', '/s/c-*'] })
  })

  it('is let pass where the spec allows it, and not any more when it does not, whatever is in the cache', async () => {
    const steps = [{ copy: 'app/config/', to: '/opt/app' }]
    const allowSecrets = [{ path: '/opt/**', kind: 'credential' }, '/{opt,srv}/app/*.pem']
    const digest = await built({ steps, allowSecrets })
    expect(await built({ steps, allowSecrets: [{ kind: 'credential' }, { kind: 'private-key' }] })).toBe(digest)
    const [where, what] = await refused({ steps, allowSecrets: allowSecrets.slice(0, 1) })
    expect(where).toBe('SECRET_FOUND  app.spec.json, step 1 (copy)')
    expect(what).toBe('  /opt/app/key.pem has a private key.')
  })

  it('is no secret of this build when it is a key that the base has', async () => {
    const steps = [{ copy: 'app/config/key.pem', to: '/etc/' }]
    await built({ steps, allowSecrets: ['/etc/key.pem'] }, 'oci:with-key:1')
    const again = { copy: 'app/config/key.pem', to: '/key' }
    const [, ...rest] = await refused({
      from: 'oci:with-key:1',
      steps: [{ chmod: '/etc/key.pem', mode: '0600' }, again],
    })
    expect(rest.slice(0, -1)).toEqual(['  /key has a private key.'])
  })

  it('is one in a base, too, when it is a credential and the layer would have it', async () => {
    const steps = [{ copy: 'app/config/auth', to: '/etc/' }]
    await built({ steps, allowSecrets: ['/etc/auth'] }, 'oci:with-auth:1')
    const more = { from: 'oci:with-auth:1', steps: [{ write: '/new', text: 'new' }] }
    const [where, what, hint] = await refused(more)
    expect(where).toBe('SECRET_FOUND  app.spec.json, the base')
    expect(what).toBe('  /etc/auth has the password from OCIBAKE_REGISTRY_TOKEN, in base64.')
    expect(hint).toMatch(/^ {2}-> Take another base, and have that credential replaced\./)
    await built({ ...more, steps: [{ remove: '/etc/auth' }] })
    await built({ ...more, layers: 'append' })
  })

  it('is one in a base that was searched before by somebody who did not have it', async () => {
    const word = token('known later', 24)
    const later = { OCIBAKE_REGISTRY_TOKEN: `registry.example.com=me:${word}` }
    await built({ steps: [{ write: '/etc/word', text: word }] }, 'oci:with-word:1')
    const more = { from: 'oci:with-word:1', steps: [{ write: '/new', text: 'new' }] }
    await built(more)
    const again = { ...more, steps: [{ write: '/new', text: 'newer' }] }
    const [where] = await refused(again, undefined, later)
    expect(where).toBe('SECRET_FOUND  app.spec.json, the base')
    await built(again)
  })
})

describe('a layer in the cache', () => {
  it('is searched again for a credential that nobody had when it was made', async () => {
    const steps = [{ copy: 'app/config/auth', to: '/etc/auth' }]
    const output = ['-o', 'oci:out:1']
    const before = await bakery.build({ steps }, output)
    expect(before.code, before.stderr).toBe(0)
    rmSync(bakery.at('out'), { recursive: true })
    for (const _ of ['once', 'twice']) {
      expect(await refused({ steps })).toEqual([
        'SECRET_FOUND  app.spec.json, the layer in the cache',
        '  /etc/auth has the password from OCIBAKE_REGISTRY_TOKEN, in base64.',
        expect.stringContaining("allowSecrets: [{ path: '/etc/auth', kind: 'credential' }]"),
      ])
    }
    const again = await bakery.build({ steps }, output)
    expect(again.stderr).toContain('nothing changed')
    expect(again.stdout).toBe(before.stdout)
    rmSync(bakery.at('out'), { recursive: true })
  })
})

describe('a secret beside the files', () => {
  const github = examples()['github-token']!

  it('is found before any step is performed or told, and let pass where the spec allows it', async () => {
    const fields = {
      from: bakery.base,
      steps: [{ write: '/a', text: 'a' }, { run: `: ${github}` }],
      config: {
        env: { A: '1', TOKEN: github },
        labels: { 'org.example.b': `x ${PASSWORD}` },
        cmd: ['app', `--password=${PASSWORD}`],
      },
      annotations: { note: github },
    }
    const leaks = await refused(fields)
    expect(leaks.slice(0, -1)).toEqual([
      'SECRET_FOUND  app.spec.json',
      '  config.env.TOKEN has a token for GitHub, from the spec.',
      '  config.cmd has the password from OCIBAKE_REGISTRY_TOKEN, from the spec.',
      '  config.labels.org.example.b has the password from OCIBAKE_REGISTRY_TOKEN, from the spec.',
      '  history has a token for GitHub, from step 2 (run).',
      '  annotations.note has a token for GitHub, from the spec.',
    ])
    const allowSecrets = ['config.env.*', 'config.cmd', 'config.labels.*', 'history', { kind: 'github-token' }]
    await built({ ...fields, allowSecrets })
  })

  it('is found in two variables of which each has a part', async () => {
    const env = Object.fromEntries(awsVariables().map((line) => line.split('=') as [string, string]))
    const leaks = await refused({ steps: [{ write: '/a', text: 'a' }], config: { env } })
    expect(leaks[1]).toBe('  config.env.AWS_ACCESS_KEY_ID has an access key of AWS.')
  })
})

describe('a push', () => {
  it('of a layer with a secret leaves nothing in the registry, though the layer was on its way', async () => {
    const registry = await startRegistry()
    onTestFinished(() => registry.stop())
    writeFileSync(bakery.at('noise'), randomBytes(6 << 20))
    execFileSync('cp', [bakery.at('app/config/key.pem'), bakery.at('zz-key')])
    const steps = [
      { copy: 'noise', to: '/' },
      { copy: 'zz-key', to: '/' },
    ]
    const tags = [`${registry.host}/app:1`]
    expect(await refused({ steps, tags }, ['--push'])).toContain('  /zz-key has a private key.')
    const files = readdirSync(registry.storage, { recursive: true, encoding: 'utf8' })
    expect(files.filter((path) => /\/data$/.test(path))).toEqual([])
    expect((await registry.requests()).filter((line) => line.startsWith('PUT'))).toEqual([])
    expect(existsSync(bakery.at('out'))).toBe(false)
    const { code, stderr } = await bakery.build({ steps, tags, allowSecrets: ['/zz-key'] }, ['--push'], { env })
    expect(code, stderr).toBe(0)
    expect((await skopeoInspect(`docker://${tags[0]}`)).Layers).toHaveLength(1)
  })
})
