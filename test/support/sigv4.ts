import { createHash, createHmac, timingSafeEqual } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'

/**
 * Verifies AWS Signature Version 4 in the Authorization header, as S3 does, and services whose paths are plain. Written from AWS's description ("Create a
 * signed AWS API request", and the S3 reference, "Authenticating Requests: Using the Authorization Header"), apart
 * from every SDK; test/support/s3-server.test.ts checks it against curl's implementation too.
 */
export interface Signed {
  readonly method: string
  /** Path and query as they were on the request line. */
  readonly target: string
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
}

export interface Keys {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken?: string
}

export interface Verdict {
  /** S3's error code; undefined: the signature is right. */
  readonly fault?: string
  readonly region: string
}

const AUTHORIZATION =
  /^AWS4-HMAC-SHA256 Credential=([^/, ]+)\/(\d{8})\/([^/, ]+)\/([^/, ]+)\/aws4_request, ?SignedHeaders=([a-z0-9;-]+), ?Signature=([0-9a-f]{64})$/
const FIFTEEN_MINUTES = 15 * 60 * 1000

export function verifySignature(request: Signed, keys: Keys, now = Date.now(), service = 's3'): Verdict {
  const match = AUTHORIZATION.exec(request.headers.authorization ?? '')
  if (match === null || match[4] !== service) return { fault: 'AuthorizationHeaderMalformed', region: '' }
  const [, accessKeyId, day, region, , names, signature] = match as unknown as [
    string,
    string,
    string,
    string,
    string,
    string,
    string,
  ]
  const stamp = header(request, 'x-amz-date')
  const hash = header(request, 'x-amz-content-sha256')
  const fault = faultOf(request, { stamp, day, hash, names, now }, accessKeyId, keys)
  if (fault !== undefined) return { fault, region }
  const canonical = canonicalRequest(request, names.split(';'), hash)
  const scope = `${day}/${region}/${service}/aws4_request`
  const toSign = ['AWS4-HMAC-SHA256', stamp, scope, sha256(canonical)].join('\n')
  const key = [day, region, service, 'aws4_request'].reduce<Buffer | string>(hmac, `AWS4${keys.secretAccessKey}`)
  const right = timingSafeEqual(hmac(key, toSign), Buffer.from(signature, 'hex'))
  return right ? { region } : { fault: 'SignatureDoesNotMatch', region }
}

interface Parts {
  readonly stamp: string
  readonly day: string
  readonly hash: string
  readonly names: string
  readonly now: number
}

function faultOf(
  request: Signed,
  { stamp, day, hash, names, now }: Parts,
  accessKeyId: string,
  keys: Keys,
): string | undefined {
  if (accessKeyId !== keys.accessKeyId) return 'InvalidAccessKeyId'
  const time = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(stamp)
  if (time === null || !stamp.startsWith(day)) return 'AccessDenied'
  const at = Date.parse(`${time[1]}-${time[2]}-${time[3]}T${time[4]}:${time[5]}:${time[6]}Z`)
  if (Math.abs(at - now) > FIFTEEN_MINUTES) return 'RequestTimeTooSkewed'
  if ((keys.sessionToken ?? '') !== header(request, 'x-amz-security-token')) return 'InvalidToken'
  if (hash !== 'UNSIGNED-PAYLOAD' && hash !== sha256(request.body)) return 'XAmzContentSHA256Mismatch'
  const signed = names.split(';')
  const mustBeSigned = Object.keys(request.headers).filter((name) => name === 'host' || name.startsWith('x-amz-'))
  if (!mustBeSigned.every((name) => signed.includes(name))) return 'AccessDenied'
  return [...signed].sort().join() === signed.join() ? undefined : 'AuthorizationHeaderMalformed'
}

function canonicalRequest(request: Signed, names: readonly string[], hash: string): string {
  const [path = '', query = ''] = request.target.split(/\?(.*)/s)
  const pairs =
    query === ''
      ? []
      : query.split('&').map((pair) =>
          pair
            .split(/=(.*)/s)
            .slice(0, 2)
            .map((part) => encoded(decodeURIComponent(part))),
        )
  const sorted = pairs.map(([name = '', value = '']) => `${name}=${value}`).sort(byBytes)
  const headers = names.map((name) => `${name}:${header(request, name).trim().replace(/ +/g, ' ')}\n`)
  // S3 alone encodes the path once, and does not normalise it.
  const uri = path
    .split('/')
    .map((part) => encoded(decodeURIComponent(part)))
    .join('/')
  return [request.method, uri, sorted.join('&'), headers.join(''), names.join(';'), hash].join('\n')
}

function byBytes(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

/** RFC 3986: everything but unreserved characters, which encodeURIComponent leaves alone in five cases too many. */
function encoded(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`)
}

function header(request: Signed, name: string): string {
  const value = request.headers[name]
  return Array.isArray(value) ? value.join(',') : (value ?? '')
}

function hmac(key: Buffer | string, text: string): Buffer {
  return createHmac('sha256', key).update(text, 'utf8').digest()
}

function sha256(data: Buffer | string): string {
  return createHash('sha256').update(data).digest('hex')
}
