import { createHash, randomBytes } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import type { OcibakeError } from '../../src/errors.ts'
import type { Event } from '../../src/events.ts'
import { Store } from '../../src/oci/store.ts'
import { fetchSource } from '../../src/provision/fetch.ts'
import type { FetchOptions } from '../../src/provision/start-fetch.ts'
import { checkHop } from '../../src/provision/web-address.ts'
import { collect } from '../support/bytes.ts'
import { endless } from '../support/endless.ts'
import { testFolder } from '../support/folder.ts'

/** A busy machine may say nothing for longer than a test likes to wait: only who expects silence is quick to see some. */
const PATIENT = { attempts: 3, backoff: 5, longestWait: 50, idle: 600_000 }
const STALL = { ...PATIENT, idle: 1000 }
const BYTES = randomBytes(300_000)
const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex')

type Handler = (request: IncomingMessage, response: ServerResponse, number: number) => void

interface Web {
  readonly origin: string
  readonly seen: IncomingMessage[]
  handler: Handler
  stop(): Promise<void>
}

async function startWeb(): Promise<Web> {
  const sockets = new Set<Socket>()
  const server = createServer((request, response) => {
    web.seen.push(request)
    web.handler(request, response, web.seen.length)
  })
  server.on('connection', (socket) => sockets.add(socket))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const web: Web = {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen: [],
    handler: () => {},
    async stop() {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
  return web
}

/** Answers as a good server does: with Range and If-Range. */
function serve(
  request: IncomingMessage,
  response: ServerResponse,
  bytes: Buffer,
  etag: string | undefined,
  upTo = bytes.length,
): void {
  const asked = /^bytes=(\d+)-$/.exec(request.headers.range ?? '')
  const start = asked !== null && request.headers['if-range'] === etag ? Number(asked[1]) : 0
  response.writeHead(start > 0 ? 206 : 200, {
    'content-length': bytes.length - start,
    ...(etag !== undefined && { etag }),
    ...(start > 0 && { 'content-range': `bytes ${start}-${bytes.length - 1}/${bytes.length}` }),
  })
  if (upTo === bytes.length) response.end(bytes.subarray(start))
  // Not at once: what the client has not read when it learns of the end, it forgets.
  else response.write(bytes.subarray(start, upTo), () => setTimeout(() => response.socket?.end(), 50))
}

describe('fetchSource from the web', () => {
  let web: Web
  let events: Event[]
  beforeEach(async () => {
    web = await startWeb()
    events = []
  })
  afterEach(() => web.stop())

  async function fetched(
    uri: string,
    options: FetchOptions = {},
    signal = new AbortController().signal,
  ): Promise<Buffer> {
    const store = await Store.open(await testFolder())
    onTestFinished(() => store.close())
    const tools = { store, report: (event: Event) => events.push(event), signal }
    await using source = await fetchSource(uri, { patience: PATIENT, unverified: true, ...options }, tools)
    return await collect(source.open())
  }
  const failure = (uri: string, options: FetchOptions = {}, signal?: AbortSignal): Promise<OcibakeError> =>
    fetched(uri, options, signal).then(
      () => expect.fail('the fetch succeeded'),
      (error) => error as OcibakeError,
    )

  it('does not begin with what no disk has room for', async () => {
    web.handler = (_, response) => response.writeHead(200, { 'content-length': 1e15 }).write(BYTES)
    await expect(fetched(`${web.origin}/huge.tar`)).rejects.toMatchObject({
      code: 'DISK_FULL',
      message: expect.stringMatching(/ for a file of 1000000000000000 bytes; \d+ bytes are free\.$/),
    })
    expect(web.seen).toHaveLength(1)
  })

  it('leaves a body that does not say its size and never ends', async () => {
    let sent: Promise<number> | undefined
    web.handler = (_, response) => {
      sent = endless(response, 200)
    }
    const error = await failure(`${web.origin}/f`, { patience: { ...PATIENT, unsized: 1e6 } })
    expect(error).toMatchObject({
      code: 'FETCH_FAILED',
      message: `${web.origin}/f goes on after 1000000 bytes, and never said how many it has.`,
    })
    expect(await sent).toBeLessThan(20e6)
  })

  it('downloads a file and verifies it', async () => {
    web.handler = (request, response) => serve(request, response, BYTES, '"1"')
    const got = await fetched(`${web.origin}/f.tar.gz`, { sha256: sha256(BYTES), unverified: false })
    expect(got.equals(BYTES)).toBe(true)
    expect(await failure(`${web.origin}/f.tar.gz`, { sha256: '0'.repeat(64) })).toMatchObject({
      code: 'CHECKSUM_MISMATCH',
    })
  })

  it('goes on where a connection broke when the file is still the same', async () => {
    web.handler = (request, response, number) =>
      serve(request, response, BYTES, '"1"', number < 3 ? 100_000 * number : undefined)
    expect((await fetched(`${web.origin}/f`)).equals(BYTES)).toBe(true)
    expect(web.seen.map(({ headers }) => headers['if-range'])).toEqual([undefined, '"1"', '"1"'])
    expect(web.seen.at(-1)?.headers.range).toMatch(/^bytes=[1-9]\d*-$/)
    expect(events.findLast(({ type }) => type === 'task-progress')).toMatchObject({
      done: BYTES.length,
      total: BYTES.length,
    })
  })

  it('starts again when the file changed, never mixing the two', async () => {
    const other = randomBytes(200_000)
    web.handler = (request, response, number) =>
      number === 1 ? serve(request, response, BYTES, '"1"', 100_000) : serve(request, response, other, '"2"')
    expect((await fetched(`${web.origin}/f`)).equals(other)).toBe(true)
  })

  it.each([
    ['has no validator', undefined],
    ['has a weak one', 'W/"1"'],
  ])('starts again when the answer %s', async (_, etag) => {
    web.handler = (request, response, number) =>
      serve(request, response, BYTES, etag, number === 1 ? 100_000 : undefined)
    expect((await fetched(`${web.origin}/f`)).equals(BYTES)).toBe(true)
    expect(web.seen[1]?.headers.range).toBeUndefined()
  })

  it.each([
    ['a range that was not asked for', { status: 206, headers: { 'content-range': 'bytes 5-9/300000' } }],
    ['416', { status: 416, headers: {} }],
  ])('starts again after %s', async (_, { status, headers }) => {
    web.handler = (request, response, number) => {
      if (number === 2) response.writeHead(status, headers).end('wrong')
      else serve(request, response, BYTES, '"1"', number === 1 ? 100_000 : undefined)
    }
    expect((await fetched(`${web.origin}/f`)).equals(BYTES)).toBe(true)
  })

  it('takes bytes as they are, whatever Content-Encoding says', async () => {
    web.handler = (_, response) => response.writeHead(200, { 'content-encoding': 'gzip' }).end(BYTES)
    expect((await fetched(`${web.origin}/f`)).equals(BYTES)).toBe(true)
  })

  it('waits as long as Retry-After says, within its bound', async () => {
    web.handler = (request, response, number) => {
      if (number === 1) response.writeHead(429, { 'retry-after': '3600' }).end()
      else serve(request, response, BYTES, '"1"')
    }
    await fetched(`${web.origin}/f`)
    expect(events).toContainEqual(
      expect.objectContaining({ type: 'retry', waitMilliseconds: 50, reason: 'the server answered 429' }),
    )
  })

  it.each([
    ['503', (_: IncomingMessage, response: ServerResponse) => response.writeHead(503).end(), 'the server answered 503'],
    ['no answer', () => {}, 'no answer came for 1 second'],
    [
      'a stalled body',
      (_: IncomingMessage, response: ServerResponse) => response.writeHead(200, { 'content-length': 9 }).write('x'),
      'no byte came',
    ],
    ['a reset', (request: IncomingMessage) => request.socket.resetAndDestroy(), 'the connection broke'],
  ] satisfies [string, Handler, string][])(
    'gives up after tries that bring nothing: %s',
    async (name, handler, reason) => {
      web.handler = handler
      const patience = reason.startsWith('no ') ? STALL : PATIENT
      const error = await failure(`${web.origin}/f?token=s3cret`, { patience })
      expect(error).toMatchObject({ code: 'FETCH_FAILED', exitCode: 3 })
      expect(error.message).toContain(reason)
      if (name !== 'a stalled body') expect(web.seen).toHaveLength(3)
    },
  )

  it('goes on where it was after a 503 between two tries', async () => {
    web.handler = (request, response, number) => {
      if (number === 2) response.writeHead(503).end()
      else serve(request, response, BYTES, '"1"', number === 1 ? 100_000 : undefined)
    }
    expect((await fetched(`${web.origin}/f`)).equals(BYTES)).toBe(true)
    expect(web.seen[2]?.headers.range).toMatch(/^bytes=[1-9]\d*-$/)
  })

  it('does not try again when the name is unknown', async () => {
    const error = await failure('https://host.invalid/f')
    expect(error).toMatchObject({ code: 'FETCH_FAILED' })
    expect(error.message).toBe('https://host.invalid/f could not be fetched: the connection broke (ENOTFOUND).')
  })

  it('ends when it is interrupted in the middle of a body', async () => {
    web.handler = (_, response) => response.writeHead(200, { 'content-length': 9 }).write('x')
    const controller = new AbortController()
    setTimeout(() => controller.abort(), 100)
    expect(await failure(`${web.origin}/f`, {}, controller.signal)).toMatchObject({ code: 'INTERRUPTED' })
  })

  it.each([
    [404, 'FETCH_NOT_FOUND'],
    [410, 'FETCH_NOT_FOUND'],
    [401, 'FETCH_DENIED'],
    [403, 'FETCH_DENIED'],
    [418, 'FETCH_FAILED'],
  ])('ends at once when the server answers %i', async (status, code) => {
    web.handler = (_, response) => response.writeHead(status).end('<html>')
    expect(await failure(`${web.origin}/f`)).toMatchObject({ code, message: expect.stringContaining(String(status)) })
    expect(web.seen).toHaveLength(1)
  })

  it('follows redirects, with the credentials of the URL for its own origin alone', async () => {
    const other = await startWeb()
    onTestFinished(() => other.stop())
    web.handler = (request, response) => {
      const location = request.url === '/f' ? '/g?again' : `${other.origin}/h`
      response.writeHead(302, { location }).end()
    }
    other.handler = (request, response) => serve(request, response, BYTES, '"1"')
    const url = new URL(`${web.origin}/f`)
    url.username = 'me'
    url.password = 'p%40ss'
    expect((await fetched(url.href)).equals(BYTES)).toBe(true)
    const login = `Basic ${Buffer.from('me:p@ss').toString('base64')}`
    expect(web.seen.map(({ headers }) => headers.authorization)).toEqual([login, login])
    expect(other.seen.map(({ headers }) => headers.authorization)).toEqual([undefined])
  })

  it.each([
    ['in a circle', '/f', 'FETCH_FAILED', 'more than 10 times'],
    ['to plain http elsewhere', 'http://mirror.invalid/f', 'FETCH_DENIED', 'not encrypted'],
    ['to a file', 'file:///etc/passwd', 'FETCH_DENIED', 'wanted https://'],
    ['to data', 'data:text/plain,evil', 'FETCH_DENIED', 'wanted https://'],
    ['to a metadata service', 'https://169.254.169.254/f', 'FETCH_DENIED', 'into this machine'],
    ['to no address', 'http://[', 'FETCH_FAILED', 'no valid address'],
  ])('does not follow a redirect %s', async (_, location, code, text) => {
    web.handler = (__, response) => response.writeHead(302, { location }).end()
    expect(await failure(`${web.origin}/f`)).toMatchObject({ code, message: expect.stringContaining(text) })
  })

  it('tells neither user info nor query strings, whatever fails', async () => {
    const url = new URL(`${web.origin}/f.tar?X-Amz-Signature=s3cret#s3cret`)
    url.username = 'me'
    url.password = 's3cret'
    web.handler = (_, response, number) => {
      if (number === 1) response.writeHead(403).end()
      else response.destroy()
    }
    const errors = [await failure(url.href), await failure(url.href), await failure(url.href, { unverified: false })]
    for (const { message, hint } of errors) expect(`${message} ${hint}`).not.toContain('s3cret')
    expect(JSON.stringify(events)).not.toContain('s3cret')
    expect(errors[0]?.message).toContain('/f.tar')
  })

  it.each(['ftp://me:s3cret@host/f', 'https://me:s3cret@[/f', 'gs://bucket/f'])('refuses %s', async (uri) => {
    const error = await failure(uri)
    expect(error).toMatchObject({
      code: 'SPEC_INVALID',
      message: expect.stringContaining('wanted s3://, https:// or a path'),
    })
    expect(error.message).not.toContain('s3cret')
  })

  it('asks for a sha256 unless told that none is wanted', async () => {
    expect(await failure(`${web.origin}/f`, { unverified: false })).toMatchObject({ code: 'SPEC_INVALID' })
    expect(web.seen).toHaveLength(0)
  })
})

describe('checkHop', () => {
  it.each([
    ['http://example.com/', undefined],
    ['http://127.0.0.1.example.com/', undefined],
    ['http://localhost.example.com/', undefined],
    ['ftp://example.com/', undefined],
    ['http://127.0.0.1/', 'https://example.com/'],
    ['https://localhost/', 'https://example.com/'],
    ['https://[::1]/', 'https://example.com/'],
    ['https://[::ffff:127.0.0.1]/', 'https://example.com/'],
    ['https://2130706433/', 'https://example.com/'],
    ['https://0.0.0.0/', 'https://example.com/'],
    ['https://[::]/', 'https://example.com/'],
    ['https://storage.localhost/', 'https://example.com/'],
    ['https://[fe80::1]/', 'https://example.com/'],
    ['https://169.254.169.254./', 'https://example.com/'],
  ])('refuses %s from %s', (to, from) => {
    expect(() => checkHop(new URL(to), from === undefined ? undefined : new URL(from))).toThrow('is not followed')
  })

  it.each([
    ['https://example.com/', undefined],
    ['http://localhost:80/', undefined],
    ['http://[::1]:80/', undefined],
    ['https://other.example/', 'https://example.com/'],
    ['http://127.0.0.2/', 'http://localhost/'],
  ])('accepts %s from %s', (to, from) => {
    expect(() => checkHop(new URL(to), from === undefined ? undefined : new URL(from))).not.toThrow()
  })
})
