import type { Agent } from 'node:http'
import { OcibakeError } from '../errors.ts'
import type { Report } from '../events.ts'
import type { Network, TlsIdentity } from '../network/network.ts'
import type { AnswerHeaders } from './ask.ts'
import { type CertificateLookup, noCertificates } from './certificates.ts'
import { type Exchange, exchange, type RequestBody } from './exchange.ts'
import { NetworkFault } from './network-fault.ts'
import { displayUrl } from './redact.ts'
import { isTransientStatus, PATIENCE, pause, type Timing, waitBefore } from './retry.ts'
import { checkLed, checkTarget, isNamed } from './target.ts'

export interface HttpRequest {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  readonly url: URL
  readonly headers?: Readonly<Record<string, string>>
  /** Sent to `url`'s origin (scheme, host, port) and nowhere else, whatever redirects say. */
  readonly authorization?: string
  readonly body?: RequestBody
  /** For retries and errors: `manifest of docker.io/library/debian:12`. */
  readonly what: string
  readonly signal: AbortSignal
  /** Tries in all; as patient as the transport is when absent. 1 for what must not be repeated. */
  readonly attempts?: number
  /** The body of a 200 or 206 is left to be read from `Answer.body`. */
  readonly stream?: boolean
  /** Bytes kept of a body that is not streamed; 64 KiB when absent. */
  readonly limit?: number
  /** For requests whose body is a secret. */
  readonly redirects?: 'follow' | 'refuse'
}

export interface Answer {
  readonly status: number
  readonly headers: AnswerHeaders
  /** Where the answer came from in the end. */
  readonly url: URL
  /** The body, as far as `limit`. Empty when it is streamed. */
  readonly bytes: Buffer
  /** The body had more bytes than `limit`. */
  readonly truncated: boolean
  /** Only for a `stream` request. Must be read or left. @throws NetworkFault, INTERRUPTED */
  readonly body?: AsyncIterable<Uint8Array>
  /** Gives up a streamed body that nobody will read. */
  leave(): void
  readonly attempts: number
}

export interface TransportOptions {
  readonly userAgent: string
  /** Hosts, as references spell them, that may be spoken to by plain http or with a certificate of any authority. */
  readonly insecure: ReadonlySet<string>
  readonly report: Report
  readonly network: Network
  /** Nothing is kept for any host when absent. */
  readonly certificates?: CertificateLookup
  readonly timing?: Partial<Timing>
}

const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308])
const MOST_HOPS = 10
const ERROR_BODY_LIMIT = 64 << 10

/**
 * HTTP for registries: redirects followed by hand, so that credentials stay with their origin; transient failures
 * retried and reported; bodies bounded. Any status that remains is an Answer, not an error.
 */
export class Transport {
  readonly timing: Timing
  readonly insecure: ReadonlySet<string>
  readonly network: Network
  readonly #options: TransportOptions
  readonly #certificates: CertificateLookup
  /** By host: one object each, which is what connections are kept by. */
  readonly #unverified = new Map<string, TlsIdentity>()

  constructor(options: TransportOptions) {
    this.#options = options
    this.insecure = options.insecure
    this.network = options.network
    this.#certificates = options.certificates ?? noCertificates
    this.timing = { ...PATIENCE, ...options.timing }
  }

  /**
   * The answer to a request, after retries on 408, 425, 429, 500, 502, 503, 504 and failing connections.
   * @throws REGISTRY_UNREACHABLE when no attempt got an answer, REGISTRY_ERROR for a target or redirect that is refused,
   * INTERRUPTED, and what the request's body throws
   */
  async send(request: HttpRequest): Promise<Answer> {
    checkTarget(request.url, this.insecure)
    const limit = request.attempts ?? this.timing.attempts
    for (let attempt = 1; ; attempt++) {
      const outcome = await this.#follow(request, attempt).catch(asFault)
      const isFault = outcome instanceof NetworkFault
      const again = isFault ? outcome.transient : isTransientStatus(outcome.status)
      if (!again || attempt >= limit) {
        if (isFault) throw outcome.toError(request.what, request.url.host, attempt)
        return outcome
      }
      const wait = waitBefore(attempt, isFault ? null : outcome.headers.get('retry-after'), this.timing)
      const reason = isFault ? outcome.message : `${request.url.host} answered ${outcome.status}`
      this.#options.report({ type: 'retry', what: request.what, attempt, limit, waitMilliseconds: wait, reason })
      await pause(wait, request.signal)
    }
  }

  async #follow(request: HttpRequest, attempts: number): Promise<Answer> {
    let url = request.url
    for (let hop = 0; hop <= MOST_HOPS; hop++) {
      const answer = await this.#exchange(request, url)
      const next = redirectOf(answer, url, request)
      if (next === undefined) return collect(answer, url, request, attempts)
      // Read, because the connection is good for the next blob.
      await collect(answer, url, { ...request, stream: false }, attempts)
      checkLed(next, url, this.insecure)
      url = next
    }
    throw new OcibakeError(
      'REGISTRY_ERROR',
      `${request.what}: more than ${MOST_HOPS} redirects, the last to ${displayUrl(url)}.`,
    )
  }

  async #exchange(request: HttpRequest, url: URL): Promise<Exchange> {
    const { method, headers, body, signal, authorization } = request
    const isHome = url.origin === request.url.origin
    const sent = {
      ...headers,
      'User-Agent': this.#options.userAgent,
      'Accept-Encoding': 'identity',
      ...(isHome && authorization !== undefined ? { Authorization: authorization } : {}),
    }
    const identity = await this.#identityFor(url)
    const { network } = this
    const ask = (agent: Agent) =>
      exchange({ method, url, headers: sent, agent, signal, ...(body === undefined ? {} : { body }) }, this.timing)
    return network.reach(url, ask, identity).catch((error: unknown) => {
      const proxy = network.proxyFor(url)
      throw error instanceof NetworkFault && proxy !== undefined ? error.through(proxy) : error
    })
  }

  async #identityFor(url: URL): Promise<TlsIdentity | undefined> {
    if (url.protocol !== 'https:') return undefined
    const kept = await this.#certificates(url)
    if (!isNamed(url, this.insecure)) return kept
    const identity = this.#unverified.get(url.host) ?? { ...kept, unverified: true }
    this.#unverified.set(url.host, identity)
    return identity
  }
}

function asFault(error: unknown): NetworkFault {
  if (error instanceof NetworkFault) return error
  throw error
}

/** Where an answer leads on, or undefined if it is to be taken as it is. */
function redirectOf(answer: Exchange, from: URL, request: HttpRequest): URL | undefined {
  const location = answer.headers.get('location')
  if (!REDIRECTS.has(answer.status) || location === null || request.redirects === 'refuse') return undefined
  const reads = request.method === 'GET' || request.method === 'HEAD'
  // What 301 to 303 make of a PUT is a GET: nothing that a registry could mean.
  if (!reads && answer.status !== 307 && answer.status !== 308) return undefined
  if (URL.canParse(location, from.href)) return new URL(location, from)
  throw new OcibakeError('REGISTRY_ERROR', `${request.what}: ${from.host} redirects to something that is no URL.`)
}

async function collect(answer: Exchange, url: URL, request: HttpRequest, attempts: number): Promise<Answer> {
  const { status, headers, body } = answer
  const head = { status, headers, url, attempts, leave: answer.leave }
  if (request.stream && (status === 200 || status === 206)) {
    return { ...head, bytes: Buffer.alloc(0), truncated: false, body }
  }
  const limit = request.limit ?? ERROR_BODY_LIMIT
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of body) {
    chunks.push(chunk)
    size += chunk.byteLength
    if (size > limit) break
  }
  if (size > limit) answer.leave()
  return { ...head, bytes: Buffer.concat(chunks).subarray(0, limit), truncated: size > limit }
}
