import { createHash, randomBytes } from 'node:crypto'
import { readdirSync } from 'node:fs'
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import type { OcibakeError } from '../../src/errors.ts'
import type { Event } from '../../src/events.ts'
import { Store } from '../../src/oci/store.ts'
import { fetchSource } from '../../src/provision/fetch.ts'
import type { FetchOptions } from '../../src/provision/start-fetch.ts'
import { collect } from '../support/bytes.ts'
import { testFolder } from '../support/folder.ts'
import { type S3, startS3 } from '../support/s3.ts'

const MIB = 1 << 20
/** A busy machine may say nothing for longer than a test likes to wait: only who expects silence is quick to see some. */
const PATIENT = { attempts: 3, backoff: 5, longestWait: 50, idle: 600_000 }
const STALL = { ...PATIENT, idle: 1000 }
const BIG = randomBytes(30 * MIB + 12_345)
const sha256 = (bytes: Buffer | string) => createHash('sha256').update(bytes).digest('hex')

describe('fetchSource from S3', () => {
  let s3: S3
  let events: Event[]
  let folder: string
  const abort = () => new AbortController()

  beforeEach(async () => {
    s3 = await startS3()
    s3.createBucket('bucket')
    for (const [name, value] of Object.entries(s3.env)) vi.stubEnv(name, value)
    events = []
  })
  afterEach(async () => {
    vi.unstubAllEnvs()
    await s3.stop()
  })

  async function fetched(uri: string, options: FetchOptions = {}, controller = abort()): Promise<Buffer> {
    folder = await testFolder()
    const store = await Store.open(folder)
    onTestFinished(() => store.close())
    const tools = { store, report: (event: Event) => events.push(event), signal: controller.signal }
    await using source = await fetchSource(uri, { patience: PATIENT, ...options }, tools)
    expect(source.digest).toBe(`sha256:${sha256(await collect(source.open()))}`)
    return await collect(source.open())
  }

  const failure = (uri: string, options: FetchOptions = {}, controller = abort()): Promise<OcibakeError> =>
    fetched(uri, options, controller).then(
      () => expect.fail('the fetch succeeded'),
      (error) => error as OcibakeError,
    )

  /** Without those that ask for checksums. */
  const gets = () => s3.server.seen.filter(({ method }) => method === 'GET')

  const downloadsLeft = () => readdirSync(folder, { recursive: true }).filter((name) => String(name).includes('fetch'))

  it('downloads a large object in parts of one and the same object, several at once', async () => {
    s3.put('bucket', 'big', BIG)
    expect((await fetched('s3://bucket/big', { sha256: sha256(BIG) })).equals(BIG)).toBe(true)
    expect(s3.server.seen.map(({ range }) => range).sort()).toEqual([
      'bytes=0-8388607',
      'bytes=16777216-25165823',
      'bytes=25165824-31469624',
      'bytes=8388608-16777215',
    ])
    const etag = `"${createHash('md5').update(BIG).digest('hex')}"`
    expect(s3.server.seen.map(({ ifMatch }) => ifMatch)).toEqual([undefined, etag, etag, etag])
    expect(s3.server.seen.every(({ signed }) => signed)).toBe(true)
    expect(downloadsLeft()).toEqual([])
  })

  it('tells its progress, up to the size of the whole', async () => {
    s3.put('bucket', 'big', BIG)
    await fetched('s3://bucket/big')
    expect(events[0]).toEqual({ type: 'task-started', task: 'fetch s3://bucket/big', label: 's3://bucket/big' })
    expect(events.at(-2)).toMatchObject({ type: 'task-progress', done: BIG.length, total: BIG.length })
    expect(events.at(-1)).toMatchObject({ type: 'task-finished' })
  })

  it.each(['plain', 'a b+c%20d/é (1)!.tar', '日本/~x', 'dir/', '?x=1#y', 'a//b'])('fetches the key %j', async (key) => {
    s3.put('bucket', key, 'content')
    expect((await fetched(`s3://bucket/${key}`)).toString()).toBe('content')
  })

  it('fetches an empty object', async () => {
    s3.put('bucket', 'empty', '')
    expect(await fetched('s3://bucket/empty')).toEqual(Buffer.alloc(0))
  })

  it('goes on where a part was cut, or stalled, and asks for no byte twice', async () => {
    s3.put('bucket', 'big', BIG)
    s3.server.fault = ({ range }, number) => {
      if (number === 1) return { kind: 'cut', after: 3 * MIB }
      return range === 'bytes=8388608-16777215' ? { kind: 'stall', after: 2 * MIB } : undefined
    }
    expect((await fetched('s3://bucket/big', { sha256: sha256(BIG), patience: STALL })).equals(BIG)).toBe(true)
    const firstRetry = s3.server.seen.find(({ range }) => range?.endsWith('-8388607') && range !== 'bytes=0-8388607')
    expect(Number(/=(\d+)-/.exec(firstRetry?.range ?? '')?.[1])).toBeGreaterThan(0)
    expect(s3.server.seen.map(({ range }) => range)).toContain(`bytes=${8388608 + 2 * MIB}-16777215`)
    expect(events.filter(({ type }) => type === 'retry')).toHaveLength(2)
    expect(events.findLast(({ type }) => type === 'task-progress')).toMatchObject({ done: BIG.length })
  })

  it('waits and tries again after SlowDown', async () => {
    s3.put('bucket', 'x', 'content')
    s3.server.fault = (_, number) => (number < 3 ? { kind: 'error', status: 503, code: 'SlowDown' } : undefined)
    expect((await fetched('s3://bucket/x')).toString()).toBe('content')
    expect(events.filter(({ type }) => type === 'retry')).toEqual([
      {
        type: 'retry',
        what: 's3://bucket/x',
        attempt: 2,
        limit: 3,
        waitMilliseconds: 5,
        reason: 'S3 answered SlowDown, 503',
      },
      {
        type: 'retry',
        what: 's3://bucket/x',
        attempt: 3,
        limit: 3,
        waitMilliseconds: 10,
        reason: 'S3 answered SlowDown, 503',
      },
    ])
  })

  it.each([
    ['always SlowDown', { kind: 'error', status: 503, code: 'SlowDown' }, 'S3 answered SlowDown, 503'],
    ['silence', { kind: 'silence' }, 'no answer came for 1 second'],
    ['an HTML page with status 503', { kind: 'page', status: 503, body: '<html>' }, '503'],
    ['an error without an end', { kind: 'endless', status: 503 }, '503'],
    ['an HTML page with status 200', { kind: 'page', status: 200, body: '<html>proxy</html>' }, "not S3's"],
    ['always another range', { kind: 'otherRange' }, 'another range'],
    ['bodies that never start', { kind: 'stall', after: 0 }, 'no byte came for 1 second'],
  ] as const)('gives up after three tries in a row that bring nothing: %s', async (_, fault, reason) => {
    s3.put('bucket', 'x', 'content')
    s3.server.fault = () => fault
    const patience = fault.kind === 'silence' || fault.kind === 'stall' ? STALL : PATIENT
    const error = await failure('s3://bucket/x', { patience })
    expect(error.code).toBe('FETCH_FAILED')
    expect(error.message).toContain(reason)
    expect(error.message).toMatch(/^s3:\/\/bucket\/x could not be fetched: .*given up after 3 attempts\)\.$/)
    expect(gets()).toHaveLength(3)
    for (const size of await Promise.all(s3.server.endless)) expect(size).toBeLessThan(20e6)
    expect(downloadsLeft()).toEqual([])
  })

  it('refuses an object that changes between its parts', async () => {
    s3.put('bucket', 'big', BIG)
    s3.server.fault = (_, number) => {
      if (number === 2) s3.put('bucket', 'big', BIG.toReversed() as Buffer)
      return undefined
    }
    const error = await failure('s3://bucket/big')
    expect(error).toMatchObject({ code: 'FETCH_CHANGED', exitCode: 3 })
    expect(error.message).toContain('s3://bucket/big')
  })

  it('fetches the version that was asked for', async () => {
    s3.createBucket('versions', { versioned: true })
    const first = s3.put('versions', 'x', 'first')
    s3.put('versions', 'x', 'second')
    s3.put('versions', 'x', null)
    expect((await fetched('s3://versions/x', { versionId: first })).toString()).toBe('first')
    expect(await failure('s3://versions/x')).toMatchObject({ code: 'FETCH_NOT_FOUND' })
    expect(await failure('s3://versions/x', { versionId: 'v99' })).toMatchObject({
      code: 'FETCH_NOT_FOUND',
      hint: 'Check versionId.',
    })
  })

  it('finds the region of the bucket, once for all parts', async () => {
    s3.createBucket('far', { region: 'ap-south-1' })
    s3.put('far', 'big', BIG)
    expect((await fetched('s3://far/big')).equals(BIG)).toBe(true)
    expect(gets().map(({ region }) => region)).toEqual(['us-east-1', ...Array(4).fill('ap-south-1')])
  })

  it('finds the region that S3 names with 400', async () => {
    s3.createBucket('far', { region: 'ap-south-1' })
    s3.put('far', 'x', 'content')
    const headers = { 'x-amz-bucket-region': 'ap-south-1' }
    s3.server.fault = (_, number) =>
      number === 1 ? { kind: 'error', status: 400, code: 'AuthorizationHeaderMalformed', headers } : undefined
    expect((await fetched('s3://far/x')).toString()).toBe('content')
  })

  it('says so when the credentials cannot be loaded', async () => {
    vi.stubEnv('AWS_ACCESS_KEY_ID', undefined)
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', undefined)
    vi.stubEnv('AWS_WEB_IDENTITY_TOKEN_FILE', '/nonexistent/token')
    vi.stubEnv('AWS_ROLE_ARN', 'arn:aws:iam::123456789012:role/x')
    s3.put('bucket', 'x', 'content')
    expect(await failure('s3://bucket/x')).toMatchObject({ code: 'FETCH_DENIED' })
  })

  it('needs no configured region', async () => {
    vi.stubEnv('AWS_REGION', undefined)
    s3.put('bucket', 'x', 'content')
    expect((await fetched('s3://bucket/x')).toString()).toBe('content')
  })

  it('addresses the bucket by path when the endpoint is a name', async () => {
    vi.stubEnv('AWS_ENDPOINT_URL_S3', undefined)
    vi.stubEnv('AWS_ENDPOINT_URL', s3.endpoint.replace('127.0.0.1', 'localhost'))
    s3.put('bucket', 'x', 'content')
    expect((await fetched('s3://bucket/x')).toString()).toBe('content')
  })

  it('reads a public bucket without credentials, unsigned', async () => {
    s3.createBucket('open', { isPublic: true })
    s3.put('open', 'big', BIG)
    vi.stubEnv('AWS_ACCESS_KEY_ID', undefined)
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', undefined)
    expect((await fetched('s3://open/big')).equals(BIG)).toBe(true)
    expect(s3.server.seen.some(({ signed }) => signed)).toBe(false)
    expect(await failure('s3://bucket/x')).toMatchObject({ code: 'FETCH_DENIED' })
  })

  it('corrects for a clock that is an hour off', async () => {
    s3.put('bucket', 'x', 'content')
    s3.server.clock = 60 * 60 * 1000
    expect((await fetched('s3://bucket/x')).toString()).toBe('content')
  })

  it.each([
    ['a missing key', 's3://bucket/none', 'FETCH_NOT_FOUND', 'NoSuchKey, 404', {}],
    ['a missing bucket', 's3://nobucket/x', 'FETCH_NOT_FOUND', 'the bucket does not exist', {}],
    ['a missing key without the right to list', 's3://closed/none', 'FETCH_DENIED', 'AccessDenied, 403', {}],
    ['a wrong secret', 's3://bucket/x', 'FETCH_DENIED', 'SignatureDoesNotMatch', { AWS_SECRET_ACCESS_KEY: 'wrong' }],
    ['a wrong key id', 's3://bucket/x', 'FETCH_DENIED', 'InvalidAccessKeyId', { AWS_ACCESS_KEY_ID: 'AKIAWRONG' }],
    ['a wrong session token', 's3://bucket/x', 'FETCH_DENIED', 'InvalidToken', { AWS_SESSION_TOKEN: 'stale' }],
  ])('ends at once for %s, and says which object', async (_, uri, code, text, env) => {
    s3.createBucket('closed', { listable: false })
    s3.put('bucket', 'x', 'content')
    for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value)
    const error = await failure(uri)
    expect(error).toMatchObject({ code, exitCode: 3 })
    expect(error.message).toContain(text)
    expect(error.message).toContain(uri)
    expect(error.hint).toMatch(/\w/)
    expect(s3.server.seen).toHaveLength(1)
  })

  it('says that a session has expired', async () => {
    s3.server.fault = () => ({ kind: 'error', status: 400, code: 'ExpiredToken' })
    expect(await failure('s3://bucket/x')).toMatchObject({
      code: 'FETCH_DENIED',
      message: expect.stringContaining('expired'),
    })
  })

  it('tells neither keys nor endpoints, whatever fails', async () => {
    s3.put('bucket', 'x', 'content')
    const secrets = [s3.secretAccessKey, s3.accessKeyId, new URL(s3.endpoint).port]
    const errors = [await failure('s3://bucket/none')]
    s3.server.fault = () => ({ kind: 'cut', after: 0 })
    errors.push(await failure('s3://bucket/x'))
    await s3.stop()
    errors.push(await failure('s3://bucket/x'))
    for (const { message, hint } of errors)
      for (const secret of secrets) expect(`${message} ${hint}`).not.toContain(secret)
    for (const secret of secrets) expect(JSON.stringify(events)).not.toContain(secret)
  })

  it('refuses bytes of another sha256, with got and want, and keeps nothing', async () => {
    s3.put('bucket', 'x', 'content')
    const error = await failure('s3://bucket/x', { sha256: sha256('other') })
    expect(error).toMatchObject({ code: 'CHECKSUM_MISMATCH', exitCode: 1 })
    expect(error.message).toBe(
      `s3://bucket/x (7 bytes) has the sha256 ${sha256('content')}; wanted ${sha256('other')}.`,
    )
    expect(downloadsLeft()).toEqual([])
  })

  it('ends when it is interrupted, and keeps nothing', async () => {
    s3.put('bucket', 'big', BIG)
    s3.server.fault = (_, number) => (number > 2 ? { kind: 'stall', after: MIB } : undefined)
    const controller = abort()
    setTimeout(() => controller.abort(), 100)
    expect(await failure('s3://bucket/big', {}, controller)).toMatchObject({ code: 'INTERRUPTED' })
    expect(downloadsLeft()).toEqual([])
  })

  it.each(['s3://bucket', 's3://bucket/', 's3:///key'])('refuses %s, which names no object', async (uri) => {
    expect(await failure(uri)).toMatchObject({ code: 'SPEC_INVALID' })
  })
})
