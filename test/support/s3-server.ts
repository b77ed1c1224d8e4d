import { createHash } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { endless } from './endless.ts'
import { type Keys, verifySignature } from './sigv4.ts'

/** What a test may let the server do instead of a proper answer. */
export type Fault =
  | { readonly kind: 'cut'; readonly after: number }
  | { readonly kind: 'stall'; readonly after: number }
  | {
      readonly kind: 'error'
      readonly status: number
      readonly code: string
      readonly headers?: Record<string, string>
    }
  | { readonly kind: 'page'; readonly status: number; readonly body: string }
  | { readonly kind: 'endless'; readonly status: number }
  | { readonly kind: 'silence' }
  | { readonly kind: 'whole' }
  | { readonly kind: 'otherRange' }

export interface Seen {
  readonly method: string
  readonly bucket: string
  readonly key: string
  readonly range: string | undefined
  readonly ifMatch: string | undefined
  readonly ifNoneMatch: string | undefined
  readonly versionId: string | undefined
  /** What `x-amz-checksum-mode` says. */
  readonly checksumMode: string | undefined
  readonly region: string
  readonly signed: boolean
}

export interface Bucket {
  readonly region: string
  /** Unsigned requests may read it. */
  readonly isPublic: boolean
  readonly versioned: boolean
  /** Without the right to list, a key that is missing is answered with 403, as S3 does. */
  readonly listable: boolean
  readonly objects: Map<string, Version[]>
}

interface Version {
  readonly id: string
  readonly etag: string
  /** null: a delete marker. */
  readonly body: Buffer | null
  /** `x-amz-checksum-…`: told to those who ask for it, and not with ranges. */
  readonly checksums: Readonly<Record<string, string>>
}

/**
 * A small S3 for tests that checks every signature: path-style buckets, GET and HEAD with Range, If-Match and versionId,
 * PUT, HeadBucket, regions, public buckets, S3's errors, and faults on demand. Answers hold what AWS's reference says.
 */
export class S3Server {
  readonly keys: Keys
  readonly buckets = new Map<string, Bucket>()
  readonly seen: Seen[] = []
  /** Bytes that clients took of answers without an end. */
  readonly endless: Promise<number>[] = []
  /** Asked before every answer. May change objects too. */
  fault: (request: Seen, number: number) => Fault | undefined = () => undefined
  /** Added to the server's clock, in milliseconds. */
  clock = 0
  #server: Server | undefined
  readonly #sockets = new Set<Socket>()
  #versions = 0

  constructor(keys: Keys) {
    this.keys = keys
  }

  /** @returns the endpoint */
  async listen(): Promise<string> {
    const server = createServer((request, response) => {
      this.#handle(request, response).catch((error: unknown) => response.destroy(error as Error))
    })
    server.on('connection', (socket) => {
      this.#sockets.add(socket)
      socket.on('close', () => this.#sockets.delete(socket))
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    this.#server = server
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    await new Promise((resolve) => this.#server?.close(resolve))
  }

  createBucket(name: string, bucket: Partial<Bucket> = {}): void {
    this.buckets.set(name, {
      region: 'us-east-1',
      isPublic: false,
      versioned: false,
      listable: true,
      ...bucket,
      objects: new Map(),
    })
  }

  /**
   * @param body null: deletes it, in a versioned bucket with a marker
   * @param checksums headers, as S3 keeps them with the object
   * @returns the version's id
   */
  put(
    bucketName: string,
    key: string,
    body: Buffer | string | null,
    checksums: Readonly<Record<string, string>> = {},
  ): string {
    const bucket = this.buckets.get(bucketName)
    if (bucket === undefined) throw new Error(`no bucket ${bucketName}`)
    const bytes = body === null ? null : Buffer.from(body)
    const etag = `"${createHash('md5')
      .update(bytes ?? '')
      .digest('hex')}"`
    const version = { id: bucket.versioned ? `v${++this.#versions}` : 'null', etag, body: bytes, checksums }
    const before = bucket.versioned ? (bucket.objects.get(key) ?? []) : []
    if (bytes === null && !bucket.versioned) bucket.objects.delete(key)
    else bucket.objects.set(key, [version, ...before])
    return version.id
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<unknown> {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const body = Buffer.concat(chunks)
    const target = request.url ?? '/'
    const url = new URL(target, 'http://s3.invalid')
    const [, bucketName = '', key = ''] = /^\/([^/]*)\/?(.*)$/s
      .exec(target.split('?')[0]!)!
      .map((part) => decodeURIComponent(part))
    const signed = request.headers.authorization !== undefined
    const verdict = verifySignature(
      { method: request.method!, target, headers: request.headers, body },
      this.keys,
      Date.now() + this.clock,
    )
    const seen: Seen = {
      method: request.method!,
      bucket: bucketName,
      key,
      range: request.headers.range,
      ifMatch: request.headers['if-match'],
      ifNoneMatch: request.headers['if-none-match'],
      versionId: url.searchParams.get('versionId') ?? undefined,
      checksumMode: request.headers['x-amz-checksum-mode'] as string | undefined,
      region: verdict.region,
      signed,
    }
    this.seen.push(seen)
    response.setHeader('date', new Date(Date.now() + this.clock).toUTCString())
    const fault = this.fault(seen, this.seen.length)
    if (fault?.kind === 'silence') return undefined
    if (fault?.kind === 'endless') return void this.endless.push(endless(response, fault.status))
    if (fault?.kind === 'error') return sendError(response, seen, fault.status, fault.code, fault.headers)
    if (fault?.kind === 'page') {
      return response.writeHead(fault.status, { 'content-type': 'text/html' }).end(fault.body)
    }
    if (signed && verdict.fault !== undefined)
      return sendError(response, seen, verdict.fault === 'AuthorizationHeaderMalformed' ? 400 : 403, verdict.fault)
    return this.#answer(seen, body, response, fault)
  }

  #answer(seen: Seen, body: Buffer, response: ServerResponse, fault: Fault | undefined): ServerResponse {
    const bucket = this.buckets.get(seen.bucket)
    if (seen.method === 'PUT' && seen.key === '' && seen.signed) {
      if (bucket === undefined) this.createBucket(seen.bucket, { region: seen.region })
      return response.writeHead(200).end()
    }
    if (bucket === undefined) return sendError(response, seen, 404, 'NoSuchBucket')
    if (!seen.signed && !(bucket.isPublic && seen.method !== 'PUT'))
      return sendError(response, seen, 403, 'AccessDenied')
    const home = { 'x-amz-bucket-region': bucket.region }
    if (seen.signed && seen.region !== bucket.region) return sendError(response, seen, 301, 'PermanentRedirect', home)
    if (seen.method === 'HEAD' && seen.key === '') return response.writeHead(200, home).end()
    if (seen.method === 'GET' || seen.method === 'HEAD') return get(seen, bucket, response, fault)
    if (seen.method !== 'PUT') return sendError(response, seen, 405, 'MethodNotAllowed')
    this.put(seen.bucket, seen.key, body)
    return response.writeHead(200, { etag: bucket.objects.get(seen.key)![0]!.etag }).end()
  }
}

function get(seen: Seen, bucket: Bucket, response: ServerResponse, fault: Fault | undefined): ServerResponse {
  const versions = bucket.objects.get(seen.key) ?? []
  const version = seen.versionId === undefined ? versions[0] : versions.find(({ id }) => id === seen.versionId)
  if (version === undefined || version.body === null) {
    if (seen.versionId !== undefined && version === undefined) return sendError(response, seen, 404, 'NoSuchVersion')
    return bucket.listable
      ? sendError(response, seen, 404, 'NoSuchKey')
      : sendError(response, seen, 403, 'AccessDenied')
  }
  if (seen.ifMatch !== undefined && seen.ifMatch !== version.etag)
    return sendError(response, seen, 412, 'PreconditionFailed')
  if (seen.ifNoneMatch === version.etag) return response.writeHead(304, { etag: version.etag }).end()
  const { body } = version
  const shift = fault?.kind === 'otherRange' ? 1 : 0
  const range = fault?.kind === 'whole' ? undefined : rangeOf(seen.range, body.length, shift)
  if (range === null) {
    return sendError(response, seen, 416, 'InvalidRange', { 'content-range': `bytes */${body.length}` })
  }
  const [start, end] = range ?? [0, body.length]
  response.writeHead(range === undefined ? 200 : 206, {
    etag: version.etag,
    'accept-ranges': 'bytes',
    'content-length': end - start,
    'content-type': 'binary/octet-stream',
    'last-modified': new Date(0).toUTCString(),
    ...(range !== undefined && { 'content-range': `bytes ${start}-${end - 1}/${body.length}` }),
    ...(bucket.versioned && { 'x-amz-version-id': version.id }),
    ...(seen.checksumMode === 'ENABLED' && range === undefined && version.checksums),
  })
  if (seen.method === 'HEAD') return response.end()
  // The end comes a little later: what the client has not read when it learns of it, it forgets.
  const cut = () => setTimeout(() => response.socket?.end(), 50)
  if (fault?.kind === 'cut') response.write(body.subarray(start, start + fault.after), cut)
  else if (fault?.kind === 'stall') response.write(body.subarray(start, start + fault.after))
  else response.end(body.subarray(start, end))
  return response
}

/** Start and end (not included); undefined: no range was asked for; null: it cannot be satisfied. */
function rangeOf(header: string | undefined, size: number, shift: number): [number, number] | undefined | null {
  const match = /^bytes=(\d*)-(\d*)$/.exec(header ?? '')
  if (match === null || (match[1] === '' && match[2] === '')) return undefined
  const start = match[1] === '' ? Math.max(0, size - Number(match[2])) : Number(match[1])
  const end = match[1] === '' || match[2] === '' ? size : Math.min(size, Number(match[2]) + 1)
  return start >= size || end <= start ? null : [start + shift, end]
}

function sendError(
  response: ServerResponse,
  seen: Seen,
  status: number,
  code: string,
  headers: Record<string, string> = {},
): ServerResponse {
  const resource = `/${seen.bucket}/${seen.key}`.replace(/[<&]/g, '?')
  const region = headers['x-amz-bucket-region']
  const xml = `<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${code}</Code><Message>${code} by the test server</Message><Resource>${resource}</Resource>${region === undefined ? '' : `<Region>${region}</Region>`}<RequestId>1</RequestId></Error>`
  return response
    .writeHead(status, { 'content-type': 'application/xml', ...headers })
    .end(seen.method === 'HEAD' ? undefined : xml)
}
