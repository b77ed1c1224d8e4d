import { mkdir, writeFile } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { type CredentialSurroundings, credentialLookup } from '../../src/registry/credentials.ts'
import { credentialHelper } from '../support/credential-helper.ts'
import { testFolder } from '../support/folder.ts'

const base64 = (text: string) => Buffer.from(text).toString('base64')
const auth = (username: string, password = 'pw') => ({ auth: base64(`${username}:${password}`) })

/** A home with Docker's config, and a lookup in it. */
async function homeWith(config: unknown, env: CredentialSurroundings['env'] = {}) {
  const home = await testFolder()
  await mkdir(join(home, '.docker'))
  const path = join(home, '.docker', 'config.json')
  await writeFile(path, typeof config === 'string' ? config : JSON.stringify(config))
  return { home, path, lookup: credentialLookup({ env, home }) }
}

test.each([
  ['registry.example.com', 'a/b', 'exact'],
  ['registry.example.com:5000', 'a/b', 'port'],
  ['evil-registry.example.com', 'a/b', undefined],
  ['registry.example.com.evil.example', 'a/b', undefined],
  ['example.com', 'a/b', undefined],
  ['docker.io', 'library/debian', 'hub'],
  ['url.example.com', 'x', 'url'],
  ['upper.example.com', 'x', 'upper'],
  ['quay.io', 'team/app', 'app'],
  ['quay.io', 'team/other', 'team'],
  ['quay.io', 'teams/other', 'host'],
])(
  '%s/%s: the most exact entry of that host, and of no host like it, is %s',
  async (registry, repository, username) => {
    const { lookup } = await homeWith({
      auths: {
        'registry.example.com': auth('exact'),
        'registry.example.com:5000': auth('port'),
        'https://index.docker.io/v1/': auth('hub'),
        'https://index.docker.io/v1/access-token': auth('not this'),
        'https://url.example.com/v2/': auth('url'),
        'UPPER.example.com': auth('upper'),
        'quay.io': auth('host'),
        'quay.io/team': auth('team'),
        'quay.io/team/app': auth('app'),
      },
    })
    expect(await lookup(registry, repository)).toEqual(
      username && expect.objectContaining({ username, password: 'pw' }),
    )
  },
)

test.each([
  [auth('u', 'a:b:c'), { kind: 'password', username: 'u', password: 'a:b:c' }],
  [auth('u', 'ü\u0000'), { kind: 'password', username: 'u', password: 'ü' }],
  [
    { username: 'u', password: 'p' },
    { kind: 'password', username: 'u', password: 'p' },
  ],
  [
    { ...auth('u'), identitytoken: 'tok' },
    { kind: 'identity', token: 'tok' },
  ],
  [
    { ...auth('u'), registrytoken: 'tok' },
    { kind: 'bearer', token: 'tok' },
  ],
  [{}, undefined],
  [{ auth: '' }, undefined],
])('the entry %j says %j', async (entry, expected) => {
  const { lookup, path } = await homeWith({ auths: { host: entry } })
  expect(await lookup('host', 'x')).toEqual(expected && { ...expected, source: path })
})

test('files are looked into in the order of podman and Docker, and REGISTRY_AUTH_FILE excludes the others', async () => {
  const { home } = await homeWith({ auths: { 'a.io': auth('docker'), 'b.io': auth('docker'), 'c.io': auth('docker') } })
  const [runtime, own] = [join(home, 'run'), join(home, 'own.json')]
  await mkdir(join(runtime, 'containers'), { recursive: true })
  await mkdir(join(home, '.config', 'containers'), { recursive: true })
  await writeFile(join(runtime, 'containers', 'auth.json'), JSON.stringify({ auths: { 'a.io': auth('runtime') } }))
  await writeFile(
    join(home, '.config', 'containers', 'auth.json'),
    JSON.stringify({ auths: { 'a.io': auth('config'), 'b.io': auth('config') } }),
  )
  await writeFile(own, JSON.stringify({ auths: { 'b.io': auth('own') } }))
  const names = async (env: CredentialSurroundings['env']) => {
    const lookup = credentialLookup({ env, home })
    const found = await Promise.all(['a.io', 'b.io', 'c.io'].map((host) => lookup(host, 'x')))
    return found.map((one) => (one?.kind === 'password' ? one.username : undefined))
  }
  expect(await names({ XDG_RUNTIME_DIR: runtime })).toEqual(['runtime', 'config', 'docker'])
  expect(await names({})).toEqual(['config', 'config', 'docker'])
  expect(await names({ DOCKER_CONFIG: join(home, 'nowhere') })).toEqual(['config', 'config', undefined])
  expect(await names({ REGISTRY_AUTH_FILE: own, XDG_RUNTIME_DIR: runtime })).toEqual([undefined, 'own', undefined])
})

test.each([
  ['{"auths": {"host": {"auth": hunter2secret}}}', 'line 1, column 29'],
  ['{\n  "auths": {\n    "host": "hunter2secret\n  }\n}', 'line 3, column 13'],
  ['["hunter2secret"]', 'no JSON object'],
  ['{"auths": ["hunter2secret"]}', 'no object at auths'],
  ['{"auths": {"host": "hunter2secret"}}', 'auths["host"]'],
  [JSON.stringify({ auths: { host: { auth: base64('hunter2secret') } } }), 'auths["host"].auth'],
  ['{"auths": {"host": {"auth": 5, "x": "hunter2secret"}}}', 'auths["host"].auth'],
  ['{"auths": {"host": {"username": "a:hunter2secret", "password": "x"}}}', 'auths["host"].username'],
  ['{"credsStore": "../hunter2secret"}', 'credsStore'],
  ['{"credHelpers": {"host": "a b; hunter2secret"}}', 'credHelpers["host"]'],
  ['{"auths": {}} hunter2secret', 'line 1, column 15'],
])('%s: the error has the path and the place, and not what is there', async (text, place) => {
  const { lookup, path } = await homeWith(text)
  const failing = lookup('host', 'x')
  await expect(failing).rejects.toMatchObject({
    code: 'CREDENTIALS_UNREADABLE',
    message: expect.stringContaining(`${path} `),
  })
  await expect(failing).rejects.toMatchObject({ message: expect.stringContaining(place) })
  await expect(failing).rejects.not.toMatchObject({ message: expect.stringContaining('hunter2secret') })
})

test.each(['', '  \n', '{}', '{"auths": null}', '{"credsStore": ""}'])("'%s' holds no credentials", async (text) => {
  const { lookup } = await homeWith(text)
  expect(await lookup('host', 'x')).toBeUndefined()
})

test('a helper is asked for its host, the store for every other, each with the given environment alone', async () => {
  const lines =
    'read server; printf \'{"ServerURL":"%s","Username":"%s","Secret":"%s"}\' "$server" "$server" "$ONLY$HOME"'
  const path = await credentialHelper('echo', lines)
  const { lookup } = await homeWith(
    { credHelpers: { 'a.io': 'echo' }, credsStore: 'echo' },
    { PATH: path, ONLY: 'this' },
  )
  const source = 'docker-credential-echo'
  expect(await lookup('a.io', 'x')).toEqual({ kind: 'password', username: 'a.io', password: 'this', source })
  expect(await lookup('b.io:5000', 'x')).toMatchObject({ username: 'b.io:5000' })
  expect(await lookup('docker.io', 'x')).toMatchObject({ username: 'https://index.docker.io/v1/' })
})

test("a helper's user '<token>' means that the secret is an identity token", async () => {
  const path = await credentialHelper('id', 'echo \'{"Username":"<token>","Secret":"abc"}\'')
  const { lookup } = await homeWith({ credsStore: 'id' }, { PATH: path })
  expect(await lookup('a.io', 'x')).toEqual({ kind: 'identity', token: 'abc', source: 'docker-credential-id' })
})

test('a helper that knows nothing leaves the word to the entries of the file, then to nobody', async () => {
  const path = await credentialHelper('none', 'echo "credentials not found in native keychain"; exit 1')
  const { lookup } = await homeWith({ credsStore: 'none', auths: { 'a.io': auth('entry') } }, { PATH: path })
  expect(await lookup('a.io', 'x')).toMatchObject({ username: 'entry' })
  expect(await lookup('b.io', 'x')).toBeUndefined()
})

test.each([
  ['echo "the keychain is locked"; exit 2', 'exit code 2: the keychain is locked'],
  ['echo hunter2secret', 'no JSON'],
  ['echo \'{"Secret":"hunter2secret"}\'', 'without Username and Secret'],
  ['yes hunter2secret', 'answered more than 1048576 bytes'],
])('a helper that does `%s` fails with its name and no secret', async (lines, fault) => {
  const path = await credentialHelper('bad', lines)
  const { lookup } = await homeWith({ credsStore: 'bad' }, { PATH: path })
  const failing = lookup('a.io', 'x')
  await expect(failing).rejects.toMatchObject({
    code: 'CREDENTIAL_HELPER_FAILED',
    message: expect.stringMatching(new RegExp(`^docker-credential-bad, asked for a\\.io, .*${fault}`)),
  })
  await expect(failing).rejects.not.toMatchObject({ message: expect.stringContaining('hunter2secret') })
})

test('a helper that is not installed is CREDENTIAL_HELPER_FAILED and named', async () => {
  const { lookup } = await homeWith({ credsStore: 'absent' }, { PATH: '/usr/bin' })
  await expect(lookup('a.io', 'x')).rejects.toMatchObject({
    code: 'CREDENTIAL_HELPER_FAILED',
    message: expect.stringContaining('docker-credential-absent, asked for a.io, is not on the PATH'),
  })
})

test('OCIBAKE_REGISTRY_TOKEN comes before every file, for exactly its host, and the most exact of several counts', async () => {
  const { home } = await homeWith({ auths: { 'a.io': auth('file'), 'b.io': auth('file') } })
  const env = {
    OCIBAKE_REGISTRY_TOKEN: 'a.io=me:pass:with=all@sorts of{things}\n',
    OCIBAKE_REGISTRY_TOKEN_CI: 'https://index.docker.io/v1/=hub:pw',
    OCIBAKE_REGISTRY_TOKEN_TEAM: 'a.io/team=robot:pw',
    OCIBAKE_REGISTRY_TOKEN_Z: 'a.io=never:pw',
    OCIBAKE_REGISTRY_TOKEN_EMPTY: '',
    OCIBAKE_REGISTRY_TOKENS: 'not ours',
    OCIBAKE_REGISTRY_TOKEN_READY: 'c.io:5000=eyJ.ready.token',
  }
  const lookup = credentialLookup({ env, home })
  const password = 'pass:with=all@sorts of{things}'
  expect(await lookup('a.io', 'app')).toEqual({
    kind: 'password',
    username: 'me',
    password,
    source: 'OCIBAKE_REGISTRY_TOKEN',
  })
  expect(await lookup('a.io', 'team/app')).toMatchObject({ username: 'robot', source: 'OCIBAKE_REGISTRY_TOKEN_TEAM' })
  expect(await lookup('a.io', 'teams/app')).toMatchObject({ username: 'me' })
  expect(await lookup('b.io', 'app')).toMatchObject({ username: 'file' })
  expect(await lookup('docker.io', 'library/debian')).toMatchObject({ username: 'hub' })
  const source = 'OCIBAKE_REGISTRY_TOKEN_READY'
  expect(await lookup('c.io:5000', 'app')).toEqual({ kind: 'bearer', token: 'eyJ.ready.token', source })
  for (const other of ['c.io', 'c.io:5001', 'evil-a.io', 'a.io.evil.example', 'a.io:443']) {
    expect(await lookup(other, 'app'), other).toBeUndefined()
  }
})

test.each([
  'hunter2secret',
  'me:hunter2secret',
  'ghcr=me:hunter2secret',
  'ghcr.io me:hunter2secret',
  'ghcr.io=:hunter2secret',
  'ghcr.io=',
  'ghcr.io=two\nlines-of-hunter2secret',
  'https://me:hunter2secret@ghcr.io=x',
])('OCIBAKE_REGISTRY_TOKEN_CI=%j is refused by the name of the variable alone', async (value) => {
  const { lookup } = await homeWith({}, { OCIBAKE_REGISTRY_TOKEN_CI: value })
  const failing = lookup('ghcr.io', 'x')
  const message = 'OCIBAKE_REGISTRY_TOKEN_CI does not say what is for which registry.'
  await expect(failing).rejects.toMatchObject({ code: 'CREDENTIALS_UNREADABLE', message })
  await expect(failing).rejects.not.toMatchObject({ hint: expect.stringContaining('hunter2secret') })
})

test('DOCKER_AUTH_CONFIG is a file in a variable, before the files and not beside REGISTRY_AUTH_FILE', async () => {
  const DOCKER_AUTH_CONFIG = JSON.stringify({ auths: { 'a.io': auth('variable') } })
  const { home, lookup } = await homeWith(
    { auths: { 'a.io': auth('file'), 'b.io': auth('file') } },
    { DOCKER_AUTH_CONFIG },
  )
  expect(await lookup('a.io', 'x')).toMatchObject({ username: 'variable', source: 'DOCKER_AUTH_CONFIG' })
  expect(await lookup('b.io', 'x')).toMatchObject({ username: 'file' })
  const env = { DOCKER_AUTH_CONFIG, REGISTRY_AUTH_FILE: join(home, 'none.json') }
  expect(await credentialLookup({ env, home })('a.io', 'x')).toBeUndefined()
  const broken = await homeWith({}, { DOCKER_AUTH_CONFIG: '{"auths": hunter2secret}' })
  await expect(broken.lookup('a.io', 'x')).rejects.toMatchObject({
    code: 'CREDENTIALS_UNREADABLE',
    message: 'DOCKER_AUTH_CONFIG is not JSON at line 1, column 11.',
  })
})

describe('credential-helpers of a registries.conf', () => {
  const GIVES = (name: string) => `echo '{"Username":"${name}","Secret":"s"}'`
  const UNKNOWN = 'echo "credentials not found in native keychain"; exit 1'

  /** Asks helpers, of these lines of shell, in this order; the file knows `a.io`. */
  async function asked(order: readonly string[], programs: Readonly<Record<string, string>>, host = 'a.io') {
    const paths = await Promise.all(Object.entries(programs).map(([name, lines]) => credentialHelper(name, lines)))
    const { home } = await homeWith({ auths: { 'a.io': auth('file') } })
    const env = { PATH: paths.join(delimiter), OCIBAKE_REGISTRY_TOKEN: 'given.io=given:pw' }
    const found = await credentialLookup({ env, home }, async () => order)(host, 'team/app')
    return found?.kind === 'password' ? found.username : found
  }

  test.each([
    ['are asked in their order', ['one', 'containers-auth.json'], { one: GIVES('one') }, 'one'],
    ['come after files that know more', ['containers-auth.json', 'one'], { one: GIVES('one') }, 'file'],
    ['know nothing sometimes', ['one', 'two'], { one: UNKNOWN, two: GIVES('two') }, 'two'],
    ['may stand in the place of all files', ['one'], { one: UNKNOWN }, undefined],
    ['may be nobody', [], {}, undefined],
    ['fail without harm while another one knows', ['one', 'gone', 'containers-auth.json'], { one: 'exit 3' }, 'file'],
  ])('%s: %j', async (_, order, programs, user) => {
    expect(await asked(order, programs)).toBe(user)
  })

  test('come after what was given for the build', async () => {
    expect(await asked(['one'], { one: GIVES('one') }, 'given.io')).toBe('given')
  })

  test('fail when nobody knows anything, with the first that could not say', async () => {
    await expect(asked(['one', 'two'], { one: 'echo locked; exit 2', two: 'exit 3' })).rejects.toMatchObject({
      code: 'CREDENTIAL_HELPER_FAILED',
      message: expect.stringContaining('docker-credential-one, asked for a.io, ended with exit code 2: locked'),
    })
  })
})
