import { lstat, mkdir, readFile, stat, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { credentialLookup } from '../../src/registry/credentials.ts'
import { keepLogin, type Login, parseLoginTarget, verifyLogin } from '../../src/registry/login.ts'
import { forgetLogins } from '../../src/registry/logout.ts'
import { keepingHelper } from '../support/credential-helper.ts'
import { testFolder } from '../support/folder.ts'
import { REGISTRY_USER, type RegistryOptions, startRegistry } from '../support/registry.ts'
import { testConnection } from '../support/registry-image.ts'

const { signal } = new AbortController()
const BOB: Login = { kind: 'password', username: 'bob', password: 'pw:ü', source: 'the test' }
const BOBS = Buffer.from('bob:pw:ü').toString('base64')

async function homeWith(files: Readonly<Record<string, unknown>> = {}, env: Record<string, string> = {}) {
  const home = await testFolder()
  for (const [name, content] of Object.entries(files)) {
    await mkdir(join(home, name, '..'), { recursive: true })
    await writeFile(join(home, name), typeof content === 'string' ? content : JSON.stringify(content))
  }
  const around = { env, home }
  const text = (name: string) => readFile(join(home, name), 'utf8')
  return {
    home,
    around,
    text,
    read: async (name: string) => JSON.parse(await text(name)) as unknown,
    login: (registry: string) => keepLogin(parseLoginTarget(registry), BOB, around, signal),
    logout: (registry: string) => forgetLogins(registry === 'all' ? 'all' : parseLoginTarget(registry), around, signal),
    lookup: credentialLookup(around),
  }
}

const modeOf = async (path: string) => ((await stat(path)).mode & 0o7777).toString(8)

test.each([
  ['ghcr.io', 'ghcr.io', ''],
  ['https://GHCR.io/', 'ghcr.io', ''],
  ['localhost:5000', 'localhost:5000', ''],
  ['[::1]:5000', '[::1]:5000', ''],
  ['quay.io/team/app', 'quay.io', 'team/app'],
  ['docker.io', 'docker.io', ''],
  ['https://index.docker.io/v1/', 'docker.io', ''],
])('%s is the registry %s', (text, registry, namespace) => {
  expect(parseLoginTarget(text)).toMatchObject({ registry, namespace })
})

test.each(['debian', '', 'ghcr.io/Upper', 'a b.io', 'ghcr.io/x:tag', 'https://ghcr.io/team', 'me:pw@ghcr.io', '-u'])(
  "'%s' is no registry to log in to",
  (text) => {
    expect(() => parseLoginTarget(text)).toThrow(expect.objectContaining({ code: 'USAGE' }))
    expect(() => parseLoginTarget(text)).not.toThrow('me:pw')
  },
)

describe('a login is kept', () => {
  test("in Docker's file where there is none, for its owner alone, and found again", async () => {
    const { login, lookup, read, home } = await homeWith()
    const path = join(home, '.docker/config.json')
    expect(await login('ghcr.io')).toEqual({ place: path })
    expect(await read('.docker/config.json')).toEqual({ auths: { 'ghcr.io': { auth: BOBS } } })
    expect([await modeOf(path), await modeOf(join(home, '.docker'))]).toEqual(['600', '700'])
    expect(await lookup('ghcr.io', 'x')).toEqual({ ...BOB, source: path })
  })

  test('beside all that the file holds, which stays as it is, in the place of an older one', async () => {
    const before = {
      auths: {
        'https://index.docker.io/v1/': { auth: 'b2xkOm9sZA==' },
        'docker.io': { auth: 'b2xkOm9sZA==' },
        'quay.io': { auth: 'b2xkOm9sZA==', email: 'x@example.com' },
      },
      HttpHeaders: { 'X-Meta': 'kept' },
      proxies: { default: { httpProxy: 'http://p:1' } },
    }
    const { login, read, text, home } = await homeWith({ '.docker/config.json': before })
    await login('docker.io')
    expect(await read('.docker/config.json')).toEqual({
      ...before,
      auths: { 'quay.io': before.auths['quay.io'], 'https://index.docker.io/v1/': { auth: BOBS } },
    })
    // As Docker writes it.
    expect(await text('.docker/config.json')).toMatch(/^\{\n\t"auths": \{\n\t\t"quay\.io"/)
    expect(await modeOf(join(home, '.docker/config.json'))).toBe('600')
  })

  test('behind a link, which stays one', async () => {
    const { login, read, home } = await homeWith({ 'dotfiles/docker.json': {} })
    await mkdir(join(home, '.docker'))
    await symlink('../dotfiles/docker.json', join(home, '.docker/config.json'))
    await login('ghcr.io')
    expect((await lstat(join(home, '.docker/config.json'))).isSymbolicLink()).toBe(true)
    expect(await read('dotfiles/docker.json')).toEqual({ auths: { 'ghcr.io': { auth: BOBS } } })
    expect(await modeOf(join(home, 'dotfiles/docker.json'))).toBe('600')
  })

  test("in podman's file if that knows the registry already, and in REGISTRY_AUTH_FILE if that is set", async () => {
    const podman = { auths: { 'ghcr.io': { auth: 'b2xkOm9sZA==' } } }
    const { login, lookup, home } = await homeWith({ '.config/containers/auth.json': podman })
    expect(await login('ghcr.io')).toEqual({ place: join(home, '.config/containers/auth.json') })
    expect(await lookup('ghcr.io', 'x')).toMatchObject({ username: 'bob' })
    const own = join(home, 'new/own.json')
    const other = await homeWith({}, { REGISTRY_AUTH_FILE: own })
    expect(await other.login('ghcr.io')).toEqual({ place: own })
    expect(await modeOf(own)).toBe('600')
  })

  test('for a namespace alone', async () => {
    const { login, lookup } = await homeWith()
    await login('quay.io/team')
    expect(await lookup('quay.io', 'team/app')).toMatchObject({ username: 'bob' })
    expect(await lookup('quay.io', 'teams/app')).toBeUndefined()
  })

  test('by a helper, by a pipe, with nothing secret in the file', async () => {
    const { path, calls } = await keepingHelper()
    const { login, logout, lookup, text, home } = await homeWith(
      { '.docker/config.json': { credsStore: 'keep' } },
      {
        PATH: path,
      },
    )
    const file = join(home, '.docker/config.json')
    expect(await login('docker.io')).toEqual({ place: `docker-credential-keep, as ${file} says` })
    expect(await calls()).toEqual([
      'store {"ServerURL":"https://index.docker.io/v1/","Username":"bob","Secret":"pw:ü"}',
    ])
    expect(await text('.docker/config.json')).not.toContain(BOBS)
    expect(await lookup('docker.io', 'x')).toMatchObject({ username: 'bob', source: 'docker-credential-keep' })
    expect(await logout('all')).toEqual([{ key: 'docker.io', place: 'docker-credential-keep' }])
    expect(await calls()).toContain('erase https://index.docker.io/v1/')
    expect(await lookup('docker.io', 'x')).toBeUndefined()
  })

  test('by many at once without losing one', async () => {
    const { login, read } = await homeWith()
    const hosts = [1, 2, 3, 4, 5].map((n) => `r${n}.example.com`)
    await Promise.all(hosts.map(login))
    expect(Object.keys(((await read('.docker/config.json')) as { auths: object }).auths).sort()).toEqual(hosts)
  })

  test('not at all if the file is damaged: nothing of it is lost', async () => {
    const broken = '{"auths": {"ghcr.io": {"auth": "aHVudGVyMg=="},}'
    const { login, text } = await homeWith({ '.docker/config.json': broken })
    await expect(login('ghcr.io')).rejects.toMatchObject({
      code: 'CREDENTIALS_UNREADABLE',
      hint: expect.stringMatching(/move it away \(mv (\S+) \1\.broken\) and log in anew/),
    })
    expect(await text('.docker/config.json')).toBe(broken)
  })

  test('and whoever logs in is told of a variable that is looked at before', async () => {
    const { login } = await homeWith({}, { OCIBAKE_REGISTRY_TOKEN_X: 'ghcr.io=ci:pw' })
    expect(await login('ghcr.io')).toMatchObject({ shadowedBy: 'OCIBAKE_REGISTRY_TOKEN_X' })
  })
})

describe('a logout', () => {
  test('forgets a registry in every file, and nothing else', async () => {
    const auths = { 'a.io': { auth: BOBS }, 'https://a.io/v2/': { auth: BOBS }, 'a.io/team': { auth: BOBS } }
    const files = {
      '.docker/config.json': { auths: { ...auths, 'b.io': { auth: BOBS } }, stackOrchestrator: 'x' },
      '.config/containers/auth.json': { auths },
    }
    const { logout, read, home, lookup } = await homeWith(files)
    expect(await logout('a.io')).toEqual([
      { key: 'a.io', place: join(home, '.config/containers/auth.json') },
      { key: 'a.io', place: join(home, '.docker/config.json') },
    ])
    expect(await read('.docker/config.json')).toEqual({
      auths: { 'a.io/team': { auth: BOBS }, 'b.io': { auth: BOBS } },
      stackOrchestrator: 'x',
    })
    expect(await lookup('a.io', 'x')).toBeUndefined()
    expect(await logout('a.io')).toEqual([])
    expect(await logout('all')).toHaveLength(3)
    expect(await read('.docker/config.json')).toEqual({ auths: {}, stackOrchestrator: 'x' })
  })

  test('does not touch, or make, a file that holds no login', async () => {
    const { logout, text, home } = await homeWith({ '.docker/config.json': '{"auths":{ }}' })
    expect(await logout('all')).toEqual([])
    expect(await logout('ghcr.io')).toEqual([])
    expect(await text('.docker/config.json')).toBe('{"auths":{ }}')
    await expect(stat(join(home, '.config'))).rejects.toMatchObject({ code: 'ENOENT' })
  })
})

describe.each(['basic', 'token'] as const)('a registry with %s', (auth) => {
  async function verify(options: RegistryOptions, login: Login) {
    const registry = await startRegistry(options)
    const { connection } = testConnection()
    onTestFinished(async () => {
      connection.close()
      await registry.stop()
    })
    const endpoint = await connection.endpoint(registry.host, signal)
    const checking = verifyLogin(
      { transport: connection.transport, endpoint },
      parseLoginTarget(registry.host),
      login,
      signal,
    )
    return { checking, registry }
  }

  test('takes the right password', async () => {
    const { checking, registry } = await verify({ auth }, { ...BOB, ...REGISTRY_USER })
    expect(await checking).toBe(true)
    expect(registry.tokenRequests.map((query) => query.get('scope'))).toEqual(auth === 'token' ? [null] : [])
  })

  test('refuses a wrong one, and the error says whose, not which', async () => {
    const { checking } = await verify({ auth, anonymousPull: true }, BOB)
    await expect(checking).rejects.toMatchObject({
      code: 'REGISTRY_UNAUTHORIZED',
      message: expect.stringContaining("as 'bob' from the test"),
    })
    await expect(checking).rejects.not.toMatchObject({ message: expect.stringContaining('pw:') })
  })
})

test('a registry that lets everybody in cannot check a password', async () => {
  const registry = await startRegistry()
  const { connection } = testConnection()
  onTestFinished(async () => {
    connection.close()
    await registry.stop()
  })
  const endpoint = await connection.endpoint(registry.host, signal)
  const target = parseLoginTarget(registry.host)
  expect(await verifyLogin({ transport: connection.transport, endpoint }, target, BOB, signal)).toBe(false)
})
