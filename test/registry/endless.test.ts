import { expect, onTestFinished, test } from 'vitest'
import { OCI_INDEX, OCI_MANIFEST } from '../../src/oci/media-types.ts'
import { parseReference } from '../../src/oci/reference.ts'
import { registrySource } from '../../src/registry/pull.ts'
import { pushImage } from '../../src/registry/push.ts'
import { endless } from '../support/endless.ts'
import { knowsUser, memoryImage, testConnection } from '../support/registry-image.ts'
import { type SeenRequest, startScriptedServer } from '../support/scripted-server.ts'

const { signal } = new AbortController()
const image = memoryImage([10])
/** What is in buffers of both sides when a client leaves, beside the 4 MiB that it may read of a document. */
const MOST = 20e6

/** A registry that answers what `choose` chooses without an end. */
async function endlessRegistry(choose: (request: SeenRequest) => { status: number; headers?: object } | undefined) {
  const taken: Promise<number>[] = []
  const server = await startScriptedServer((request, response) => {
    const chosen = choose(request)
    if (chosen !== undefined) return void taken.push(endless(response, chosen.status, chosen.headers))
    if (request.path.startsWith('/token')) return response.end(JSON.stringify({ token: 'good' }))
    if (request.path === '/there') return response.end('x')
    const challenge = { 'WWW-Authenticate': `Bearer realm="http://${request.headers.host}/token",service="s"` }
    if (request.headers.authorization !== 'Bearer good') return response.writeHead(401, challenge).end()
    if (request.method === 'HEAD') return response.writeHead(404).end()
    if (request.method === 'POST') return response.writeHead(202, { Location: '/v2/team/app/blobs/uploads/1' }).end()
    if (request.method === 'PUT') return response.writeHead(201).end()
    return response.writeHead(200, { 'Content-Type': OCI_MANIFEST }).end(image.manifest.bytes)
  })
  const { connection } = testConnection({ credentials: knowsUser, timing: { attempts: 2, backoff: 1, longestWait: 2 } })
  onTestFinished(async () => {
    connection.close()
    await server.stop()
  })
  const reference = parseReference(`${server.host}/team/app:1`)
  return { reference, connection, taken }
}

const isToken = (path: string) => path.startsWith('/token')

test.each<[string, Parameters<typeof endlessRegistry>[0], string]>([
  ['a manifest', at('GET', '/manifests/', 200, { 'Content-Type': OCI_MANIFEST }), 'MANIFEST_INVALID'],
  ['an index', at('GET', '/manifests/', 200, { 'Content-Type': OCI_INDEX }), 'MANIFEST_INVALID'],
  ['an error', at('GET', '/manifests/', 404), 'BASE_NOT_FOUND'],
  ['an error that is tried again', at('GET', '/manifests/', 503), 'REGISTRY_ERROR'],
  ['a redirect', at('GET', '/manifests/', 307, { Location: '/there' }), 'MANIFEST_'],
  ['a challenge', ({ path }) => (isToken(path) ? undefined : { status: 401 }), 'REGISTRY_UNAUTHORIZED'],
  ['a token', ({ path }) => (isToken(path) ? { status: 200 } : undefined), 'REGISTRY_ERROR'],
  ['a refused token', ({ path }) => (isToken(path) ? { status: 403 } : undefined), 'REGISTRY_DENIED'],
])('%s without an end is left, and is no reason to wait', async (_, choose, code) => {
  const { reference, connection, taken } = await endlessRegistry(choose)
  const resolved = registrySource(reference, connection).resolve(signal)
  await expect(resolved).rejects.toMatchObject({ code: expect.stringContaining(code) })
  expect(taken.length).toBeGreaterThan(0)
  for (const size of await Promise.all(taken)) expect(size).toBeLessThan(MOST)
})

test.each<[string, Parameters<typeof endlessRegistry>[0]]>([
  ['where to upload', at('POST', '/uploads/', 202, { Location: '/v2/team/app/blobs/uploads/1' })],
  ['an upload', at('PUT', '/uploads/', 201)],
  ['a manifest', at('PUT', '/manifests/', 201)],
  ['a refusal', at('PUT', '/manifests/', 400)],
])('an answer to %s without an end is left', async (_, choose) => {
  const { reference, connection, taken } = await endlessRegistry(choose)
  await pushImage(image, [reference], connection, { signal, report: () => {} }).catch(() => {})
  expect(taken.length).toBeGreaterThan(0)
  for (const size of await Promise.all(taken)) expect(size).toBeLessThan(MOST)
})

function at(method: string, part: string, status: number, headers = {}) {
  return (request: SeenRequest) =>
    request.method === method && request.path.includes(part) && request.headers.authorization === 'Bearer good'
      ? { status, headers }
      : undefined
}
