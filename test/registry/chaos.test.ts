import { randomBytes } from 'node:crypto'
import type { ServerResponse } from 'node:http'
import { type AddressInfo, createServer } from 'node:net'
import fc from 'fast-check'
import { expect, onTestFinished, test } from 'vitest'
import { OcibakeError } from '../../src/errors.ts'
import { digestOf } from '../../src/oci/digest.ts'
import { OCI_LAYER_GZIP, OCI_MANIFEST } from '../../src/oci/media-types.ts'
import { parseReference } from '../../src/oci/reference.ts'
import { registrySource } from '../../src/registry/pull.ts'
import { collect } from '../support/bytes.ts'
import { damages } from '../support/damage.ts'
import { end, fakeRegistry } from '../support/fake-registry.ts'
import { fuzz, orRefusedLater } from '../support/fuzz.ts'
import { memoryImage, testConnection } from '../support/registry-image.ts'
import { type SeenRequest, startScriptedServer } from '../support/scripted-server.ts'

const CODES = [
  ...(['REGISTRY_ERROR', 'REGISTRY_UNREACHABLE', 'REGISTRY_UNAUTHORIZED', 'REGISTRY_DENIED'] as const),
  ...(['REGISTRY_NOT_FOUND', 'REGISTRY_RATE_LIMITED', 'BLOB_MISMATCH'] as const),
]
const STATUS = [400, 401, 403, 404, 405, 408, 409, 412, 413, 416, 418, 425, 429, 500, 501, 502, 503, 504]
const BODIES = ['', '{"errors":[{"code":"X","message":"\u001b[31mno"}]}', '<html>', '{', '[]', 'x'.repeat(100_000)]
const HEADERS = [
  ...[{}, { 'Retry-After': '0' }, { 'Retry-After': 'soon' }, { Range: '0-5' }, { Range: '0-99999999999999999999' }],
  ...[{ Range: 'bytes=-' }, { 'WWW-Authenticate': 'Bearer realm="x"' }, { 'WWW-Authenticate': 'Digest x="' }],
  ...[
    { Location: '' },
    { Location: 'http://[' },
    { Location: '//169.254.169.254/' },
    { Location: '/v2/../../x?a=%zz' },
  ],
]

type Fault = (response: ServerResponse, answer: () => void) => void
const fault: fc.Arbitrary<Fault | undefined> = fc.oneof(
  { weight: 4, arbitrary: fc.constant(undefined) },
  {
    weight: 4,
    arbitrary: fc.tuple(fc.constantFrom(...STATUS), fc.constantFrom(...HEADERS), fc.constantFrom(...BODIES)).map(
      ([status, headers, body]): Fault =>
        (response) =>
          end(response, status, { ...headers }, Buffer.from(body)),
    ),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom(...HEADERS).map(
      (headers): Fault =>
        (response) =>
          end(response, 202, { ...headers }),
    ),
  },
  { weight: 1, arbitrary: fc.constant<Fault>((response) => void response.destroy()) },
  {
    // The answer is lost, not the work.
    weight: 1,
    arbitrary: fc.constant<Fault>((response, answer) => {
      response.writeHead = () => response
      response.end = () => response.destroy()
      answer()
    }),
  },
)

test('a push through any answers has stored everything, or failed in words', async () => {
  const image = memoryImage([10, 2000])
  const ends = { pushed: 0, failed: 0 }
  await fc.assert(
    fc.asyncProperty(fc.array(fault, { minLength: 1, maxLength: 30 }), async (faults) => {
      const left = [...faults]
      const registry = await fakeRegistry((_, response, __, answer) => {
        const next = left.shift()
        next?.(response, answer)
        return next !== undefined
      })
      const outcome = await orRefusedLater(CODES, () => registry.push(image))
      expect(registry.log.length).toBeLessThan(200)
      if (outcome instanceof OcibakeError) return void ends.failed++
      ends.pushed++
      expect(registry.manifests.get('1')?.equals(image.manifest.bytes)).toBe(true)
      expect(new Set(image.blobs.keys()).difference(registry.blobs)).toEqual(new Set())
    }),
    fuzz(60),
  )
  expect(Math.min(ends.pushed, ends.failed)).toBeGreaterThan(3)
})

const BLOB = randomBytes(200_000)
const DESCRIPTOR = { mediaType: OCI_LAYER_GZIP, digest: digestOf(BLOB), size: BLOB.length }
const rangeOf = (start: number, last = BLOB.length - 1, total: number | string = BLOB.length) =>
  `bytes ${start}-${last}/${total}`

/** Ways of answering a request for the blob from `start` on, none of which gives wrong bytes for the place they name. */
const serving = fc.oneof(
  fc.constant((response: ServerResponse, start: number) =>
    end(response, start > 0 ? 206 : 200, start > 0 ? { 'Content-Range': rangeOf(start) } : {}, BLOB.subarray(start)),
  ),
  fc.constant((response: ServerResponse) => end(response, 200, {}, BLOB)),
  fc.nat(BLOB.length).map((size) => (response: ServerResponse, start: number) => {
    const isPart = start > 0
    const length = { 'Content-Length': String(BLOB.length - start) }
    response.writeHead(isPart ? 206 : 200, { ...length, ...(isPart ? { 'Content-Range': rangeOf(start) } : {}) })
    response.write(BLOB.subarray(start, start + size), () => setTimeout(() => response.destroy(), 5))
  }),
  fc.nat(BLOB.length - 1).map((other) => (response: ServerResponse) => {
    end(response, 206, { 'Content-Range': rangeOf(other) }, BLOB.subarray(other))
  }),
  fc
    .constantFrom('', 'bytes */200000', 'bytes 9-5/200000', 'bytes 0-1/1', 'items 0-5/9', 'bytes 1e3-2e3/2e5')
    .map((range) => (response: ServerResponse, start: number) => {
      end(response, 206, { 'Content-Range': range }, BLOB.subarray(start))
    }),
  fc.constantFrom(...STATUS).map((status) => (response: ServerResponse) => end(response, status)),
)

test('a blob through any answers is what was asked for from where it was asked for, or an error', async () => {
  const ends = { whole: 0, failed: 0 }
  await fc.assert(
    fc.asyncProperty(
      fc.array(serving, { minLength: 1, maxLength: 12 }),
      fc.nat(BLOB.length - 1),
      async (all, start) => {
        const left = [...all]
        const server = await startScriptedServer((request: SeenRequest, response) => {
          const from = Number(/^bytes=([0-9]+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0)
          const next = left.shift()
          if (next !== undefined) return next(response, from)
          const headers = from > 0 ? { 'Content-Range': rangeOf(from) } : {}
          end(response, from > 0 ? 206 : 200, headers, BLOB.subarray(from))
        })
        const { connection } = testConnection()
        try {
          const source = registrySource(parseReference(`${server.host}/team/app:1`), connection)
          const got = await orRefusedLater(CODES, () =>
            collect(source.blob(DESCRIPTOR, start, new AbortController().signal)),
          )
          if (got instanceof OcibakeError) return void ends.failed++
          ends.whole++
          expect(got.equals(BLOB.subarray(start))).toBe(true)
        } finally {
          connection.close()
          await server.stop()
        }
      },
    ),
    fuzz(50),
  )
  expect(Math.min(ends.whole, ends.failed)).toBeGreaterThan(3)
})

const ANSWER = Buffer.from(
  `HTTP/1.1 200 OK\r\nContent-Type: ${OCI_MANIFEST}\r\nContent-Length: 2\r\nLocation: /x\r\n\r\n{}\r\n`,
)

test('a server that sends anything at all is an error in words', async () => {
  let answer: Buffer = ANSWER
  const server = createServer((socket) => {
    socket.on('error', () => {})
    socket.once('data', () => socket.end(answer))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`
  const { connection } = testConnection({ timing: { attempts: 2, idle: 300 }, insecureRegistries: new Set([host]) })
  onTestFinished(() => connection.close())
  const noise = fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes))
  await fc.assert(
    fc.asyncProperty(
      fc.oneof(
        damages().map((spoil) => spoil(ANSWER)),
        noise,
      ),
      async (bytes) => {
        answer = bytes
        const source = registrySource(parseReference(`${host}/team/app:1`), connection)
        const codes = [...CODES, 'BASE_NOT_FOUND', 'MANIFEST_INVALID', 'MANIFEST_UNSUPPORTED'] as const
        const got = await orRefusedLater(codes, () => source.resolve(new AbortController().signal))
        expect(got).toBeInstanceOf(OcibakeError)
      },
    ),
    fuzz(80),
  )
})
