import type { ServerResponse } from 'node:http'
import { describe, expect, onTestFinished, test } from 'vitest'
import { OCI_MANIFEST } from '../../src/oci/media-types.ts'
import { parseReference } from '../../src/oci/reference.ts'
import type { Credentials } from '../../src/registry/credential-file.ts'
import type { CredentialLookup } from '../../src/registry/credentials.ts'
import { registrySource } from '../../src/registry/pull.ts'
import { checkRealm } from '../../src/registry/realm.ts'
import { memoryImage, testConnection } from '../support/registry-image.ts'
import { type SeenRequest, startScriptedServer } from '../support/scripted-server.ts'

const { signal } = new AbortController()
const image = memoryImage([10])
const PASSWORD: Credentials = { kind: 'password', username: 'bob', password: 'hunter2', source: '/a/config.json' }

interface TokenScript {
  /** What the token server answers. */
  readonly answer?: (request: SeenRequest, response: ServerResponse, count: number) => void
  readonly challenge?: (host: string) => string
  readonly credentials?: Credentials
  readonly lookup?: CredentialLookup
}

/** A registry with its token server on the same port, which takes the token `good`. */
async function tokenRegistry({ answer = giveToken({ token: 'good' }), challenge = bearer, ...known }: TokenScript) {
  const { credentials, lookup = async () => credentials } = known
  const server = await startScriptedServer((request, response, count) => {
    if (request.path.startsWith('/token')) return answer(request, response, count)
    if (request.headers.authorization === 'Bearer good') {
      response.writeHead(200, { 'Content-Type': OCI_MANIFEST })
      return response.end(image.manifest.bytes)
    }
    response.writeHead(401, { 'WWW-Authenticate': challenge(request.headers.host!) })
    return response.end()
  })
  const { connection, events } = testConnection({ credentials: lookup })
  onTestFinished(async () => {
    connection.close()
    await server.stop()
  })
  const resolve = (name = 'team/app:1') =>
    registrySource(parseReference(`${server.host}/${name}`), connection).resolve(signal)
  const tokenRequests = () => server.seen.filter((request) => request.path.startsWith('/token'))
  return { server, resolve, tokenRequests, events }
}

const bearer = (host: string) => `Bearer realm="http://${host}/token",service="the service"`

function giveToken(body: unknown, status = 200) {
  return (_: SeenRequest, response: ServerResponse) => {
    response.writeHead(status)
    response.end(typeof body === 'string' ? body : JSON.stringify(body))
  }
}

test.each([[{ token: 'good' }], [{ access_token: 'good' }], [{ token: '', access_token: 'good', expires_in: 3600 }]])(
  'the answer %j is a token',
  async (body) => {
    const { resolve } = await tokenRegistry({ answer: giveToken(body) })
    expect(await resolve()).toEqual(image.manifest)
  },
)

test('a token is asked for once for each repository, also by many at once', async () => {
  const { resolve, tokenRequests } = await tokenRegistry({})
  await Promise.all([1, 2, 3, 4, 5].map((tag) => resolve(`team/app:${tag}`)))
  await resolve('team/app:6')
  expect(tokenRequests().map(({ path }) => path)).toEqual([
    '/token?service=the+service&scope=repository%3Ateam%2Fapp%3Apull',
  ])
  await resolve('team/other:1')
  expect(tokenRequests()).toHaveLength(2)
})

test('a password goes to the realm as Basic, with the account', async () => {
  const { resolve, tokenRequests } = await tokenRegistry({ credentials: PASSWORD })
  await resolve()
  const [request] = tokenRequests()
  expect(request?.headers.authorization).toBe(`Basic ${Buffer.from('bob:hunter2').toString('base64')}`)
  expect(new URL(request!.path, 'http://x').searchParams.get('account')).toBe('bob')
})

test('an identity token is posted as a refresh token, and follows no redirect', async () => {
  const credentials: Credentials = { kind: 'identity', token: 'refresh me', source: 'x' }
  const { resolve, tokenRequests } = await tokenRegistry({ credentials, answer: giveToken({ access_token: 'good' }) })
  await resolve()
  const [request] = tokenRequests()
  expect(request?.method).toBe('POST')
  expect(Object.fromEntries(new URLSearchParams(request?.body.toString()))).toEqual({
    grant_type: 'refresh_token',
    client_id: 'ocibake',
    service: 'the service',
    scope: 'repository:team/app:pull',
    refresh_token: 'refresh me',
  })
  const away = await startScriptedServer(giveToken({ access_token: 'good' }))
  onTestFinished(() => away.stop())
  const led = await tokenRegistry({
    credentials,
    answer: (_, response) => {
      response.writeHead(307, { Location: `http://${away.host}/` })
      response.end()
    },
  })
  await expect(led.resolve()).rejects.toMatchObject({ message: expect.stringContaining('answered 307') })
  expect(away.seen).toEqual([])
})

test.each([
  ['no JSON', '<html>', 'is no JSON'],
  ['no object', '[]', 'is no JSON object'],
  ['no token', { expires_in: 5 }, "neither 'token' nor 'access_token'"],
  ['a number', { token: 5 }, "neither 'token' nor 'access_token'"],
  ['a header of its own', { token: 'good\r\nX-Evil: 1' }, 'characters that no token has'],
  ['2 MiB', 'x'.repeat(2 << 20), 'more than 1048576 bytes'],
])('a token server that answers %s is refused', async (_, body, words) => {
  const { resolve } = await tokenRegistry({ answer: giveToken(body) })
  await expect(resolve()).rejects.toMatchObject({ code: 'REGISTRY_ERROR', message: expect.stringContaining(words) })
})

test('a token server that has nothing there is in trouble itself: the image may well exist', async () => {
  const { resolve, server } = await tokenRegistry({ answer: giveToken('', 404) })
  await expect(resolve()).rejects.toMatchObject({
    code: 'REGISTRY_ERROR',
    message: expect.stringContaining(`${server.host} answered 404`),
    hint: expect.stringMatching(/is the token server that \S+ names/),
  })
})

test('a token that the registry does not take is renewed once, then the registry has the word', async () => {
  const { resolve, server, tokenRequests } = await tokenRegistry({ answer: giveToken({ token: 'bad' }) })
  await expect(resolve()).rejects.toMatchObject({ code: 'REGISTRY_UNAUTHORIZED' })
  expect(tokenRequests()).toHaveLength(1)
  expect(server.seen).toHaveLength(3)
  await expect(resolve()).rejects.toMatchObject({ code: 'REGISTRY_UNAUTHORIZED' })
  expect(tokenRequests()).toHaveLength(2)
})

test('a token that somebody has goes to the registry as it is, and to no token server', async () => {
  const credentials: Credentials = { kind: 'bearer', token: 'good', source: 'OCIBAKE_REGISTRY_TOKEN' }
  const { resolve, tokenRequests } = await tokenRegistry({ credentials })
  expect(await resolve()).toEqual(image.manifest)
  expect(tokenRequests()).toEqual([])
  const stale = await tokenRegistry({ credentials: { ...credentials, token: 'stale' } })
  await expect(stale.resolve()).rejects.toMatchObject({
    code: 'REGISTRY_UNAUTHORIZED',
    message: expect.stringContaining('asked with the token from OCIBAKE_REGISTRY_TOKEN'),
    hint: expect.stringContaining('have expired'),
  })
})

const BASIC = () => 'Basic realm="x"'

test('credentials that are refused are looked up once more: a helper may have new ones by now', async () => {
  const passwords = ['old', 'new', 'newer']
  const lookup = async (): Promise<Credentials> => ({
    ...PASSWORD,
    kind: 'password',
    username: 'a',
    password: passwords.shift()!,
  })
  const taken = new Set(['old'].map(basicOf))
  const server = await startScriptedServer((request, response) => {
    const isTaken = taken.has(request.headers.authorization ?? '')
    response.writeHead(
      isTaken ? 200 : 401,
      isTaken ? { 'Content-Type': OCI_MANIFEST } : { 'WWW-Authenticate': BASIC() },
    )
    response.end(isTaken ? image.manifest.bytes : '')
  })
  const { connection } = testConnection({ credentials: lookup })
  onTestFinished(async () => {
    connection.close()
    await server.stop()
  })
  const resolve = () => registrySource(parseReference(`${server.host}/team/app:1`), connection).resolve(signal)
  await resolve()
  await resolve()
  taken.clear()
  taken.add(basicOf('new'))
  await resolve()
  const sent = server.seen.map(({ headers }) => headers.authorization)
  expect(sent).toEqual([undefined, ...['old', 'old', 'old', 'new'].map(basicOf)])
  expect(passwords).toEqual(['newer'])
})

function basicOf(password: string): string {
  return `Basic ${Buffer.from(`a:${password}`).toString('base64')}`
}

test('a token server in trouble is asked again', async () => {
  const { resolve, tokenRequests } = await tokenRegistry({
    answer: (request, response, count) => giveToken({ token: 'good' }, count === 0 ? 503 : 200)(request, response),
  })
  expect(await resolve()).toEqual(image.manifest)
  expect(tokenRequests()).toHaveLength(2)
})

test.each([
  ['Negotiate, NTLM abc=', 'offers only: negotiate, ntlm'],
  ['Bearer service="no realm"', 'offers only: bearer'],
  ['', 'does not say how'],
])('a registry that challenges with %s is REGISTRY_UNAUTHORIZED', async (header, words) => {
  const { resolve } = await tokenRegistry({ challenge: () => header, credentials: PASSWORD })
  await expect(resolve()).rejects.toMatchObject({
    code: 'REGISTRY_UNAUTHORIZED',
    message: expect.stringContaining(words),
  })
})

test('of several challenges, the one with a token is taken', async () => {
  const { resolve } = await tokenRegistry({
    challenge: (host) => `Negotiate, Basic realm="a, b", ${bearer(host)}`,
    credentials: PASSWORD,
  })
  expect(await resolve()).toEqual(image.manifest)
})

describe('a realm', () => {
  const access = (endpoint: string) => ({
    registry: new URL(endpoint).host,
    endpoint: new URL(endpoint),
    repository: 'a',
    scopes: [],
  })

  test.each([
    ['https://registry.example.com/', 'https://registry.example.com/token'],
    ['https://registry-1.docker.io/', 'https://auth.docker.io/token'],
    ['https://10.0.0.5:5000/', 'https://10.0.0.5:5001/token'],
    ['http://lan.example.com:5000/', 'http://lan.example.com:5000/token'],
    ['http://127.0.0.1:5000/', 'http://127.0.0.1:5001/token'],
    ['http://127.0.0.1:5000/', 'http://localhost:5001/token'],
    ['http://127.0.0.1:5000/', 'https://auth.example.com/token'],
  ])('of %s may be %s', (endpoint, realm) => {
    const insecure = new Set(['lan.example.com:5000'])
    expect(checkRealm(realm, access(endpoint), insecure).href).toBe(realm)
  })

  test.each([
    ['https://registry.example.com/', undefined, 'no URL'],
    ['https://registry.example.com/', '/token', 'no URL'],
    ['https://registry.example.com/', 'file:///etc/passwd', 'only http and https'],
    ['https://registry.example.com/', 'http://auth.example.com/token', 'plain http'],
    ['https://registry.example.com/', 'http://registry.example.com/token', 'plain http'],
    ['https://registry.example.com/', 'http://lan.example.com:5000/token', 'asked by https'],
    ['http://other.example.com:5000/', 'http://lan.example.com:5000/token', 'plain http on another host'],
    ['https://registry.example.com/', 'https://169.254.169.254/token', 'link-local'],
    ['https://registry.example.com/', 'https://127.0.0.1/token', 'this one'],
    ['https://registry.example.com/', 'http://localhost:8080/token', 'asked by https'],
    ['https://registry.example.com/', 'https://192.168.1.1/token', 'private network'],
    ['https://registry.example.com/', 'https://[fd00::1]/token', 'private network'],
    ['https://registry.example.com/', 'https://me:hunter2@auth.example.com/', 'no user info'],
  ])('of %s may not be %s', (endpoint, realm, words) => {
    const insecure = new Set(['lan.example.com:5000', 'other.example.com:5000'])
    const check = () => checkRealm(realm, access(endpoint), insecure)
    expect(check).toThrow(expect.objectContaining({ code: 'REGISTRY_ERROR', message: expect.stringContaining(words) }))
    expect(check).not.toThrow('hunter2')
  })
})
