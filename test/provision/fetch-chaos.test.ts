import { randomBytes } from 'node:crypto'
import type { ServerResponse } from 'node:http'
import fc from 'fast-check'
import { expect, onTestFinished, test, vi } from 'vitest'
import { OcibakeError } from '../../src/errors.ts'
import { Store } from '../../src/oci/store.ts'
import { fetchSource } from '../../src/provision/fetch.ts'
import { collect } from '../support/bytes.ts'
import { testFolder } from '../support/folder.ts'
import { fuzz, orRefusedLater } from '../support/fuzz.ts'
import { startS3 } from '../support/s3.ts'
import type { Fault } from '../support/s3-server.ts'
import { startScriptedServer } from '../support/scripted-server.ts'

const PATIENCE = { attempts: 4, backoff: 1, longestWait: 5, idle: 500 }
const CODES = ['FETCH_FAILED', 'FETCH_DENIED', 'FETCH_NOT_FOUND', 'FETCH_CHANGED'] as const
const STATUS = [400, 401, 403, 404, 408, 412, 416, 418, 429, 500, 502, 503, 504]
/** What the same address has at different times. */
const VERSIONS = [randomBytes(150_000), randomBytes(120_000)]

async function fetcher() {
  const store = await Store.open(await testFolder())
  onTestFinished(() => store.close())
  const tools = { store, report: () => {}, signal: new AbortController().signal }
  return (uri: string) =>
    orRefusedLater(CODES, async () => {
      await using source = await fetchSource(uri, { patience: PATIENCE, unverified: true }, tools)
      return await collect(source.open())
    })
}

/** The answer is one of these two whole, or none. */
function check(got: Buffer | OcibakeError, ends: { whole: number; failed: number }): void {
  if (got instanceof OcibakeError) return void ends.failed++
  ends.whole++
  expect(VERSIONS.some((version) => version.equals(got))).toBe(true)
}

interface Asked {
  readonly start: number
  readonly ifRange: string | undefined
}
type Answer = (response: ServerResponse, version: Buffer, etag: string, asked: Asked) => void

const honest: Answer = (response, version, etag, { start, ifRange }) => {
  const from = ifRange === etag && start < version.length ? start : 0
  const range = { 'content-range': `bytes ${from}-${version.length - 1}/${version.length}` }
  response.writeHead(from > 0 ? 206 : 200, { etag, ...(from > 0 ? range : {}) })
  response.end(version.subarray(from))
}
/** A connection that breaks after so many bytes of an honest answer. */
const broken = (size: number): Answer => {
  return (response, version, etag, asked) => {
    const from = asked.ifRange === etag && asked.start < version.length ? asked.start : 0
    const range = { 'content-range': `bytes ${from}-${version.length - 1}/${version.length}` }
    const length = { 'content-length': version.length - from }
    response.writeHead(from > 0 ? 206 : 200, { etag, ...length, ...(from > 0 ? range : {}) })
    response.write(version.subarray(from, from + size), () => setTimeout(() => response.destroy(), 5))
  }
}
/** Nobody is asked for less than byte 10 later on: then none of the ranges below is what was asked for, with other bytes. */
const answer: fc.Arbitrary<Answer> = fc.oneof(
  fc.constant(honest),
  fc.integer({ min: 10, max: 100_000 }).map(broken),
  fc.integer({ min: 10, max: 100_000 }).map(broken),
  fc.constantFrom(...STATUS).map(
    (status): Answer =>
      (response) =>
        void response.writeHead(status).end('<html>'),
  ),
  fc.constantFrom('', 'bytes 5-9/150000', 'bytes */9', 'items 0-1/2', 'bytes 9-5/150000').map((range): Answer => {
    return (response, version) => void response.writeHead(206, { 'content-range': range }).end(version)
  }),
  fc.constant<Answer>((response) => void response.destroy()),
  fc.constant<Answer>((response) => void response.writeHead(302, { location: '/f?again' }).end()),
)

test('a download through any answers is one version of the file, whole, or an error', async () => {
  const ends = { whole: 0, failed: 0 }
  const fetched = await fetcher()
  const script = fc.array(fc.tuple(answer, fc.boolean()), { minLength: 1, maxLength: 10 })
  await fc.assert(
    fc.asyncProperty(script, async (answers) => {
      const left = [...answers]
      let version = 0
      const server = await startScriptedServer(({ headers }, response) => {
        const [next, changes] = left.shift() ?? [honest, false]
        if (changes) version = 1 - version
        const start = Number(/^bytes=([0-9]+)-$/.exec(headers.range ?? '')?.[1] ?? 0)
        const ifRange = headers['if-range']?.toString()
        next(response, VERSIONS[version]!, `"v${version}"`, { start, ifRange })
      })
      try {
        check(await fetched(`http://${server.host}/f`), ends)
      } finally {
        await server.stop()
      }
    }),
    fuzz(40),
  )
  expect(Math.min(ends.whole, ends.failed)).toBeGreaterThan(2)
})

const s3Fault: fc.Arbitrary<Fault | 'change' | undefined> = fc.oneof(
  fc.constant(undefined),
  fc.nat(100_000).map((after): Fault => ({ kind: 'cut', after })),
  fc.constantFrom('SlowDown', 'InternalError').map((code): Fault => ({ kind: 'error', status: 503, code })),
  fc.constantFrom(...STATUS).map((status): Fault => ({ kind: 'page', status, body: '<html>' })),
  fc.constantFrom<Fault>({ kind: 'otherRange' }, { kind: 'whole' }),
  fc.constant('change' as const),
)

test('an object through any answers is one version of it, whole, or an error', async () => {
  const s3 = await startS3()
  const fetched = await fetcher()
  for (const [name, value] of Object.entries(s3.env)) vi.stubEnv(name, value)
  try {
    s3.createBucket('bucket')
    const ends = { whole: 0, failed: 0 }
    await fc.assert(
      fc.asyncProperty(fc.array(s3Fault, { minLength: 1, maxLength: 8 }), async (faults) => {
        const left = [...faults]
        let version = 0
        s3.put('bucket', 'x', VERSIONS[0]!)
        s3.server.fault = () => {
          const next = left.shift()
          if (next !== 'change') return next
          version = 1 - version
          s3.put('bucket', 'x', VERSIONS[version]!)
          return undefined
        }
        check(await fetched('s3://bucket/x'), ends)
      }),
      fuzz(40),
    )
    expect(Math.min(ends.whole, ends.failed)).toBeGreaterThan(2)
  } finally {
    vi.unstubAllEnvs()
    await s3.stop()
  }
})
