import type { ServerResponse } from 'node:http'
import { expect, onTestFinished, test } from 'vitest'
import { digestOf } from '../../src/oci/digest.ts'
import { DOCKER_LIST, OCI_INDEX, OCI_LAYER_GZIP, OCI_MANIFEST } from '../../src/oci/media-types.ts'
import { parseReference } from '../../src/oci/reference.ts'
import type { Descriptor } from '../../src/oci/source.ts'
import type { RegistryConnectionOptions } from '../../src/registry/connection.ts'
import { registrySource } from '../../src/registry/pull.ts'
import { memoryImage, testConnection } from '../support/registry-image.ts'
import { type Script, type SeenRequest, startScriptedServer } from '../support/scripted-server.ts'

const { signal } = new AbortController()
const BLOB = Buffer.from(Array.from({ length: 3_000_000 }, (_, i) => (i * 7919) >> 5))
const DESCRIPTOR: Descriptor = { mediaType: OCI_LAYER_GZIP, digest: digestOf(BLOB), size: BLOB.length }

async function sourceFor(script: Script, options: Partial<RegistryConnectionOptions> = {}, name = 'team/app:1') {
  const server = await startScriptedServer(script)
  const { connection, events } = testConnection(options)
  onTestFinished(async () => {
    connection.close()
    await server.stop()
  })
  return { server, events, source: registrySource(parseReference(`${server.host}/${name}`), connection) }
}

function answer(response: ServerResponse, status: number, headers: Record<string, string>, body: Buffer | string = '') {
  response.writeHead(status, headers)
  response.end(body)
}

/** As an honest registry would: the whole, or from where Range says. */
function serve(request: SeenRequest, response: ServerResponse, bytes = BLOB) {
  const start = Number(/^bytes=([0-9]+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0)
  const range = { 'Content-Range': `bytes ${start}-${bytes.length - 1}/${bytes.length}` }
  answer(response, start > 0 ? 206 : 200, start > 0 ? range : {}, bytes.subarray(start))
}

/** Sends the head and `count` bytes, then breaks the connection. */
function breakAfter(response: ServerResponse, bytes: Buffer, count: number, status = 200, headers = {}) {
  response.writeHead(status, { 'Content-Length': String(bytes.length), ...headers })
  response.write(bytes.subarray(0, count), () => setTimeout(() => response.destroy(), 20))
}

async function read(blobs: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  for await (const chunk of blobs) chunks.push(chunk)
  return Buffer.concat(chunks)
}

test('a blob goes on where the connection broke, as often as it gets on', async () => {
  const step = 1_100_000
  const { server, events, source } = await sourceFor((request, response) => {
    const start = Number(/([0-9]+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0)
    if (start + step > BLOB.length) return serve(request, response)
    const headers = { 'Content-Range': `bytes ${start}-${BLOB.length - 1}/${BLOB.length}` }
    breakAfter(response, BLOB.subarray(start), step, start === 0 ? 200 : 206, start === 0 ? {} : headers)
  })
  expect(digestOf(await read(source.blob(DESCRIPTOR, 0, signal)))).toBe(DESCRIPTOR.digest)
  expect(server.seen.length).toBe(3)
  expect(server.seen[0]?.headers.range).toBeUndefined()
  expect(events.filter((event) => event.type === 'retry').map((event) => event.attempt)).toEqual([1, 1])
})

test.each<[string, Script]>([
  ['ignores Range and sends all', (_, response) => answer(response, 200, {}, BLOB)],
  [
    'answers 416 to every Range',
    (request, response) => (request.headers.range ? answer(response, 416, {}) : serve(request, response)),
  ],
  [
    'sends another range than it was asked for',
    (request, response) =>
      request.headers.range
        ? answer(response, 206, { 'Content-Range': `bytes 5-9/${BLOB.length}` }, BLOB.subarray(5, 10))
        : serve(request, response),
  ],
  [
    'sends a part and does not say which',
    (request, response) => (request.headers.range ? answer(response, 206, {}, 'what?') : serve(request, response)),
  ],
])('from a registry that %s, a blob still comes from the byte that was asked for', async (_, script) => {
  const { source } = await sourceFor(script)
  for (const start of [1, 999_999, BLOB.length - 1]) {
    expect(digestOf(await read(source.blob(DESCRIPTOR, start, signal)))).toBe(digestOf(BLOB.subarray(start)))
  }
})

test('a connection that always breaks at the same byte is given up, with the number of attempts', async () => {
  const { server, events, source } = await sourceFor((request, response) =>
    request.headers.range ? response.destroy() : breakAfter(response, BLOB, 1000),
  )
  await expect(read(source.blob(DESCRIPTOR, 0, signal))).rejects.toMatchObject({ code: 'REGISTRY_UNREACHABLE' })
  expect(server.seen.length).toBeLessThanOrEqual(6)
  expect(events.at(-1)).toMatchObject({ type: 'task-finished', outcome: 'failed' })
})

test('a blob that ends early and claims success is asked for again, and given up in the end', async () => {
  const { source } = await sourceFor((_, response) => {
    response.writeHead(200, { 'Transfer-Encoding': 'chunked' })
    response.end(BLOB.subarray(0, 100))
  })
  await expect(read(source.blob(DESCRIPTOR, 0, signal))).rejects.toMatchObject({
    code: 'REGISTRY_UNREACHABLE',
    message: expect.stringContaining('ended too early (5 attempts)'),
  })
})

test.each([
  ['of another size is refused by its Content-Length', { 'Content-Length': String(BLOB.length) }, BLOB.length],
  ['that is longer than it should be is refused when it gets there', {}, 'more'],
])('a blob %s', async (_, headers, got) => {
  const { source } = await sourceFor((_, response) => {
    response.writeHead(200, headers)
    response.write(BLOB)
    response.end()
  })
  const shorter = { ...DESCRIPTOR, size: 1000 }
  const received: Uint8Array[] = []
  const reading = (async () => {
    for await (const chunk of source.blob(shorter, 0, signal)) received.push(chunk)
  })()
  await expect(reading).rejects.toMatchObject({
    code: 'BLOB_MISMATCH',
    message: expect.stringContaining(`has ${got} bytes`),
  })
  expect(Buffer.concat(received).length).toBeLessThanOrEqual(1000)
})

test('a consumer that has had enough ends the connection', async () => {
  let closed = false
  const { source } = await sourceFor((_, response) => {
    response.on('close', () => {
      closed = true
    })
    response.writeHead(200)
    response.write(BLOB.subarray(0, 100_000))
  })
  for await (const chunk of source.blob(DESCRIPTOR, 0, signal)) {
    expect(chunk.length).toBeGreaterThan(0)
    break
  }
  await expect.poll(() => closed).toBe(true)
})

test('an abort in the middle of a blob is INTERRUPTED', async () => {
  const { source } = await sourceFor((_, response) => {
    response.writeHead(200)
    response.write(BLOB.subarray(0, 100_000))
  })
  const controller = new AbortController()
  setTimeout(() => controller.abort(), 50)
  await expect(read(source.blob(DESCRIPTOR, 0, controller.signal))).rejects.toMatchObject({ code: 'INTERRUPTED' })
})

test('storage elsewhere gets no credentials, and its challenge is not answered', async () => {
  const storage = await startScriptedServer((request, response) =>
    request.path.startsWith('/good')
      ? serve(request, response)
      : answer(response, 401, { 'WWW-Authenticate': 'Basic' }),
  )
  onTestFinished(() => storage.stop())
  const asked = { good: 0, bad: 0 }
  const script: Script = (request, response) => {
    if (request.headers.authorization === undefined) {
      return answer(response, 401, { 'WWW-Authenticate': 'Basic realm="x"' })
    }
    const place = asked.good++ === 0 ? 'good' : 'bad'
    return answer(response, 307, { Location: `http://${storage.host}/${place}?X-Amz-Signature=s3cret` })
  }
  const { source } = await sourceFor(script, {
    credentials: async () => ({ kind: 'password', username: 'bob', password: 'hunter2', source: 'x' }),
  })
  expect(digestOf(await read(source.blob(DESCRIPTOR, 0, signal)))).toBe(DESCRIPTOR.digest)
  const failing = read(source.blob(DESCRIPTOR, 0, signal))
  await expect(failing).rejects.toMatchObject({ code: 'REGISTRY_UNAUTHORIZED' })
  await expect(failing).rejects.not.toMatchObject({ message: expect.stringMatching(/s3cret|hunter2/) })
  expect(storage.seen.map((request) => request.headers.authorization)).toEqual([undefined, undefined])
})

const image = memoryImage([10])
const manifest = image.manifest.bytes.toString()
const both = JSON.stringify({ ...JSON.parse(manifest), manifests: [] })
const schema1 = JSON.stringify({ schemaVersion: 1, name: 'x', tag: 'y', fsLayers: [], history: [] })

test.each<[string, string | Buffer, string, string, string]>([
  ['both layers and manifests', both, OCI_MANIFEST, 'MANIFEST_INVALID', 'manifests'],
  ['a header that says index', manifest, OCI_INDEX, 'MANIFEST_INVALID', 'two media types'],
  ['a header that says list', manifest, DOCKER_LIST, 'MANIFEST_INVALID', 'two media types'],
  [
    'schema 1',
    schema1,
    'application/vnd.docker.distribution.manifest.v1+prettyjws',
    'MANIFEST_UNSUPPORTED',
    'schema 1',
  ],
  ['HTML', '<html>log in</html>', 'text/html', 'MANIFEST_INVALID', 'not JSON'],
  ['5 MiB', Buffer.alloc(5 << 20, ' '), OCI_MANIFEST, 'MANIFEST_INVALID', 'more than 4194304 bytes'],
])('a manifest with %s is refused', async (_, body, type, code, words) => {
  const { source } = await sourceFor((_, response) => answer(response, 200, { 'Content-Type': type }, body))
  await expect(source.resolve(signal)).rejects.toMatchObject({ code, message: expect.stringContaining(words) })
})

test.each(['application/json', 'text/plain', `${OCI_MANIFEST}; charset=utf-8`])(
  'a manifest whose header says %s is what its body says',
  async (type) => {
    const { source } = await sourceFor((_, response) => answer(response, 200, { 'Content-Type': type }, manifest))
    expect(await source.resolve(signal)).toEqual(image.manifest)
  },
)

test('a manifest is what its bytes hash to, whatever Docker-Content-Digest says', async () => {
  const wanted = digestOf('another')
  const headers = { 'Content-Type': OCI_MANIFEST, 'Docker-Content-Digest': wanted }
  const script: Script = (_, response) => answer(response, 200, headers, manifest)
  const byTag = await sourceFor(script)
  expect((await byTag.source.resolve(signal)).digest).toBe(image.manifest.digest)
  const byDigest = await sourceFor(script, {}, `team/app@${wanted}`)
  await expect(byDigest.source.resolve(signal)).rejects.toMatchObject({
    code: 'BLOB_MISMATCH',
    message: expect.stringMatching(new RegExp(`digest ${image.manifest.digest}; wanted ${wanted}`)),
  })
  const entry = { mediaType: OCI_MANIFEST, digest: wanted, size: manifest.length }
  await expect(byTag.source.manifest(entry, signal)).rejects.toMatchObject({ code: 'BLOB_MISMATCH' })
  const longer = { mediaType: OCI_MANIFEST, digest: image.manifest.digest, size: manifest.length + 1 }
  await expect(byTag.source.manifest(longer, signal)).rejects.toMatchObject({ code: 'BLOB_MISMATCH' })
})

test('a resolve that failed is asked again by the next one', async () => {
  const { source } = await sourceFor((_, response, count) =>
    count === 0 ? answer(response, 404, {}) : answer(response, 200, { 'Content-Type': OCI_MANIFEST }, manifest),
  )
  await expect(source.resolve(signal)).rejects.toMatchObject({ code: 'BASE_NOT_FOUND' })
  expect(await source.resolve(signal)).toEqual(image.manifest)
})

test.each([
  [403, { errors: [{ code: 'DENIED', message: 'not for you' }] }, 'REGISTRY_DENIED', 'DENIED: not for you'],
  [403, { errors: [{ code: 'TOOMANYREQUESTS', message: 'slow down' }] }, 'REGISTRY_RATE_LIMITED', 'slow down'],
  [429, {}, 'REGISTRY_RATE_LIMITED', 'after 5 attempts'],
  [400, { errors: 'x' }, 'REGISTRY_ERROR', '400'],
  [
    418,
    { details: 'a\u001b[31mb\nc https://x/y?sig=hunter2 Bearer hunter2hunter2' },
    'REGISTRY_ERROR',
    'a?[31mb c https://x/y?… Bearer …',
  ],
])('status %i with %j is told in the words of the registry, cleaned', async (status, body, code, words) => {
  const { source } = await sourceFor((_, response) => answer(response, status, {}, JSON.stringify(body)))
  const failing = source.resolve(signal)
  await expect(failing).rejects.toMatchObject({ code, message: expect.stringContaining(words) })
  await expect(failing).rejects.not.toMatchObject({ message: expect.stringContaining('hunter2') })
})

test('a 404 of where the registry leads to is no word about the image', async () => {
  const away = await startScriptedServer((_, response) => answer(response, 404, {}))
  onTestFinished(() => away.stop())
  const Location = `http://${away.host}/there`
  const { source, server } = await sourceFor((_, response) => answer(response, 307, { Location }))
  const hint = `${away.host} is the storage that ${server.host} names: see that it is the right one, and that it works.`
  await expect(source.resolve(signal)).rejects.toMatchObject({ code: 'REGISTRY_ERROR', hint })
  await expect(read(source.blob(DESCRIPTOR, 0, signal))).rejects.toMatchObject({ code: 'REGISTRY_ERROR', hint })
})
