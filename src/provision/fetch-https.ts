import type { Readable } from 'node:stream'
import type { Response } from 'node-fetch'
import { OcibakeError } from '../errors.ts'
import { bareUrl } from '../network/bare-url.ts'
import { readContentRange } from '../network/content-range.ts'
import { retryAfter } from '../network/retry-after.ts'
import { gathered } from '../oci/gathered.ts'
import { brokenConnection, type Download, PassingFault, steady, type Validated } from './download.ts'
import { checkHop } from './web-address.ts'

/** What is written at once. */
const GATHERED = 1 << 17
const MAX_REDIRECTS = 10
const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308])
const PASSING: ReadonlySet<number> = new Set([408, 425, 429, 500, 502, 503, 504])

/** How far a download came, and what tells that the rest is of the same file (RFC 9110, section 13.1.5). */
interface Position {
  at: number
  validator: string | undefined
  etag: string | undefined
}

/**
 * Downloads `url` into the download's file. A broken download goes on where it was if the server says that the file is
 * still the same, else it starts again. User info of the URL is sent as basic authentication to that origin alone.
 * What arrived is unverified. Nothing does while the file has the ETag `known`, a strong one.
 * @throws FETCH_NOT_FOUND, FETCH_DENIED, FETCH_FAILED, DISK_FULL, INTERRUPTED
 */
export async function fetchHttps(url: URL, download: Download, known?: string): Promise<Validated> {
  checkHop(url)
  const position: Position = { at: 0, validator: undefined, etag: undefined }
  return await download.persist(async (reached) => {
    const response = await request(url, position, download, known)
    try {
      if (known !== undefined && isStill(known, response)) return { etag: known, isUnchanged: true }
      await receive(response, position, download, reached)
      return { etag: position.etag, isUnchanged: false }
    } finally {
      discard(response)
    }
  })
}

/** A server need not heed If-None-Match (RFC 9110, section 13.2.1), but then it says which ETag the file has. */
function isStill(known: string, { status, headers }: Response): boolean {
  return status === 304 || (status === 200 && headers.get('etag') === known)
}

async function request(url: URL, position: Position, download: Download, known: string | undefined): Promise<Response> {
  const { default: fetch } = await import('node-fetch')
  let at = url
  for (let hops = 0; hops <= MAX_REDIRECTS; hops++) {
    const headers = headersFor(at, url, position, known)
    const response = await download.answered((signal) =>
      download.network
        .reach(at, (agent) =>
          fetch(withoutUserInfo(at), { headers, agent, redirect: 'manual', compress: false, signal }),
        )
        .catch((error: unknown) => {
          throw error instanceof OcibakeError ? error : brokenConnection(error)
        }),
    )
    if (!REDIRECTS.has(response.status)) return response
    discard(response)
    const next = locationOf(response, at)
    checkHop(next, at)
    at = next
  }
  throw new OcibakeError('FETCH_FAILED', `${download.what} redirects more than ${MAX_REDIRECTS} times.`)
}

function headersFor(
  at: URL,
  first: URL,
  { at: start, validator }: Position,
  known: string | undefined,
): Record<string, string> {
  const headers: Record<string, string> = { 'user-agent': 'ocibake', 'accept-encoding': 'identity', accept: '*/*' }
  if (at.origin === first.origin && first.username !== '') {
    const login = `${decodeURIComponent(first.username)}:${decodeURIComponent(first.password)}`
    headers.authorization = `Basic ${Buffer.from(login).toString('base64')}`
  }
  if (start > 0 && validator !== undefined) {
    headers.range = `bytes=${start}-`
    headers['if-range'] = validator
  } else if (known !== undefined) headers['if-none-match'] = known
  return headers
}

async function receive(
  response: Response,
  position: Position,
  download: Download,
  reached: (at: number) => void,
): Promise<void> {
  const total = startOf(response, position, download)
  if (position.at === 0) await download.file.truncate(0)
  try {
    if (total !== undefined) download.expect(total)
  } catch (error) {
    discard(response)
    throw error
  }
  const body = bodyOf(response)
  if (body !== null) {
    for await (const chunk of gathered(steady(body, download.patience.idle), GATHERED)) {
      download.file.write(position.at, chunk)
      position.at += chunk.byteLength
      if (total === undefined) download.refuseEndless(position.at)
      download.advance(chunk.byteLength)
      reached(position.at)
      download.throwIfInterrupted()
    }
  }
  if (total !== undefined && position.at < total) {
    throw new PassingFault(`the answer ended after ${position.at} of ${total} bytes`)
  }
}

/** Sets the position to where the body starts; the size of the whole file, if the server says it. */
function startOf(response: Response, position: Position, download: Download): number | undefined {
  if (response.status === 206) {
    const range = readContentRange(response.headers.get('content-range'))
    if (range?.total === undefined || range.first !== position.at) {
      startAgain(position, download)
      throw new PassingFault('the server answered with another range than the one it was asked for')
    }
    return range.total
  }
  if (response.status === 200 || response.status === 416) startAgain(position, download)
  if (response.status !== 200) throw failure(response, download)
  const etag = response.headers.get('etag')
  position.etag = etag === null || etag.startsWith('W/') ? undefined : etag
  position.validator =
    position.etag ?? (etag === null ? (response.headers.get('last-modified') ?? undefined) : undefined)
  const length = response.headers.get('content-length')
  return length === null || !/^\d+$/.test(length) ? undefined : Number(length)
}

function startAgain(position: Position, download: Download): void {
  if (position.at > 0) download.advance(-position.at)
  position.at = 0
  position.validator = undefined
  position.etag = undefined
}

function failure({ status, headers }: Response, { what }: Download): Error {
  if (PASSING.has(status))
    return new PassingFault(`the server answered ${status}`, retryAfter(headers.get('retry-after')))
  if (status === 416) return new PassingFault('the server no longer has the rest of the file')
  if (status === 404 || status === 410) {
    return new OcibakeError('FETCH_NOT_FOUND', `${what} does not exist: the server answered ${status}.`, {
      hint: 'Check the address.',
    })
  }
  if (status === 401 || status === 403 || status === 407) {
    return new OcibakeError('FETCH_DENIED', `${what} may not be fetched: the server answered ${status}.`, {
      hint: 'Check the address and the credentials in it; a signed address may have expired.',
    })
  }
  return new OcibakeError('FETCH_FAILED', `${what} could not be fetched: the server answered ${status}.`)
}

function locationOf(response: Response, from: URL): URL {
  const location = response.headers.get('location')
  const next = location === null ? null : URL.parse(location, from.href)
  if (next === null) {
    throw new OcibakeError('FETCH_FAILED', `${bareUrl(from)} redirects (${response.status}) to no valid address.`)
  }
  return next
}

/** node-fetch's type says less than its manual: the body is a stream of Node's. */
function bodyOf(response: Response): Readable | null {
  return response.body as Readable | null
}

function discard(response: Response): void {
  bodyOf(response)?.destroy()
}

function withoutUserInfo(url: URL): URL {
  const plain = new URL(url)
  plain.username = ''
  plain.password = ''
  return plain
}
