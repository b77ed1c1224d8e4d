import { OcibakeError } from '../errors.ts'
import type { Report } from '../events.ts'
import { bytesContent, type Content } from '../oci/content.ts'
import type { Digest } from '../oci/digest.ts'
import type { Descriptor } from '../oci/source.ts'
import type { RegistryClient, RepositoryRequest } from './client.ts'
import { NetworkFault } from './network-fault.ts'
import { type OpenUpload, openUpload } from './open-upload.ts'
import { isTransientStatus, pause, waitBefore } from './retry.ts'
import type { Answer } from './transport.ts'

/** A blob to send. `open` gives its bytes from `start` on, as often as it is asked. */
export interface UploadSource {
  readonly blob: Pick<Descriptor, 'digest' | 'size'>
  open(start: number): AsyncIterable<Uint8Array>
}

export interface UploadOptions {
  readonly signal: AbortSignal
  readonly report: Report
  /** Bytes that were sent so far; goes back when something is sent again. */
  readonly onProgress: (done: number) => void
}

/** Why a session came to its end without the blob: an answer, or an error of the network. */
export class SessionFault extends Error {
  readonly why: Answer | OcibakeError
  /** The registry took not even the first chunk: it may know only whole blobs. */
  readonly isChunkRefused: boolean

  constructor(why: Answer | OcibakeError, isChunkRefused = false) {
    super('upload session lost')
    this.why = why
    this.isChunkRefused = isChunkRefused
  }
}

const CHUNK = 16 << 20
/** Half of the smallest limit that proxies come with: nginx's is 1 MiB. */
const SMALLEST_CHUNK = 512 << 10

/**
 * An upload that a registry has opened. Either `sendWhole` or `sendChunks` ends it. Both throw SessionFault, and what
 * the source throws. (distribution-spec, "Pushing blobs")
 */
export class UploadSession {
  readonly #client: RegistryClient
  readonly #source: UploadSource
  readonly #options: UploadOptions
  readonly #about: string
  readonly #leastChunk: number
  #chunk: number
  /** The last Location: only that one is good for the next request. */
  #location: URL

  constructor(client: RegistryClient, source: UploadSource, options: UploadOptions, open: OpenUpload) {
    this.#client = client
    this.#source = source
    this.#options = options
    this.#about = aboutUpload(source)
    this.#location = open.location
    this.#leastChunk = open.leastChunk
    this.#chunk = Math.max(CHUNK, open.leastChunk)
  }

  /** Opens a new one. @throws REGISTRY_* */
  static async start(client: RegistryClient, source: UploadSource, options: UploadOptions): Promise<UploadSession> {
    const about = aboutUpload(source)
    const body = bytesContent('')
    const answer = await client.request({ method: 'POST', path: 'blobs/uploads/', about, body, signal: options.signal })
    if (answer.status !== 202) throw await client.failure(answer, about)
    return new UploadSession(client, source, options, openUpload(answer, client.location(answer, about)))
  }

  /** Tells the registry that nothing more comes. Never throws. */
  abandon(): Promise<void> {
    return this.#client.abandonUpload(this.#location)
  }

  async sendWhole(): Promise<void> {
    await this.#finish(this.#slice(0, this.#source.blob.size))
  }

  /** Sends chunk by chunk. After one that was not taken, the registry is asked how far it is, and goes on there. */
  async sendChunks(): Promise<void> {
    const { size } = this.#source.blob
    let offset = 0
    for (let stuck = 0; offset < size; ) {
      const end = Math.min(offset + this.#chunk, size)
      const answer = await this.#patch(offset, end)
      const isTaken = !(answer instanceof OcibakeError) && answer.status === 202
      const state = isTaken ? answer : await this.#askState(answer, offset, stuck + 1)
      if (state.headers.has('location')) this.#location = this.#client.location(state, this.#about)
      const reached = offsetAfter(state, isTaken ? end : offset, size)
      if (reached > end) throw new SessionFault(this.#lie(reached, end))
      stuck = reached > offset ? 0 : stuck + 1
      if (stuck >= this.#client.timing.attempts) throw new SessionFault(isTaken ? this.#lie(reached, end) : answer)
      offset = reached
    }
    await this.#finish(bytesContent(''))
  }

  /** The answer, or the error of a connection that failed meanwhile. */
  async #patch(offset: number, end: number): Promise<Answer | OcibakeError> {
    const headers = { 'Content-Type': 'application/octet-stream', 'Content-Range': `${offset}-${end - 1}` }
    const body = this.#slice(offset, end - offset)
    try {
      return await this.#request({ method: 'PATCH', path: this.#location, headers, body, attempts: 1 })
    } catch (error) {
      if (error instanceof OcibakeError && isTransientFault(error)) return error
      throw error
    }
  }

  /** After a chunk that was not taken: what the session says that it has. @throws SessionFault when that is no use */
  async #askState(fault: Answer | OcibakeError, offset: number, attempt: number): Promise<Answer> {
    const isAnswer = !(fault instanceof OcibakeError)
    const smaller = Math.max(this.#chunk >> 2, SMALLEST_CHUNK, this.#leastChunk)
    if (isAnswer && fault.status === 413 && smaller < this.#chunk) this.#chunk = smaller
    else if (isAnswer && fault.status !== 416 && !isTransientStatus(fault.status)) {
      throw new SessionFault(fault, offset === 0)
    }
    const { attempts: limit } = this.#client.timing
    const waitMilliseconds = waitBefore(
      attempt,
      isAnswer ? fault.headers.get('retry-after') : null,
      this.#client.timing,
    )
    const reason = isAnswer ? `${this.#client.registry} answered ${fault.status}` : fault.message
    const what = this.#client.what(this.#about)
    this.#options.report({ type: 'retry', what, attempt, limit, waitMilliseconds, reason })
    await pause(waitMilliseconds, this.#options.signal)
    const state = await this.#request({ method: 'GET', path: this.#location })
    if (state.status !== 204) throw new SessionFault(state)
    return state
  }

  async #finish(body: Content): Promise<void> {
    const path = withDigest(this.#location, this.#source.blob.digest)
    const headers = { 'Content-Type': 'application/octet-stream' }
    const answer = await this.#request({ method: 'PUT', path, headers, body, attempts: 1 })
    if (answer.status !== 201 && answer.status !== 204) throw new SessionFault(answer)
  }

  #request(request: Omit<RepositoryRequest, 'about' | 'signal'>): Promise<Answer> {
    return this.#client.request({ ...request, about: this.#about, signal: this.#options.signal })
  }

  #slice(offset: number, size: number): Content {
    const source = this.#source
    const { onProgress } = this.#options
    return {
      size,
      async *open() {
        let sent = 0
        if (size === 0) return
        for await (const chunk of source.open(offset)) {
          const part = chunk.subarray(0, size - sent)
          yield part
          sent += part.byteLength
          onProgress(offset + sent)
          if (sent === size) return
        }
      },
    }
  }

  #lie(reached: number, end: number): OcibakeError {
    const what = this.#client.what(this.#about)
    return new OcibakeError(
      'REGISTRY_ERROR',
      `${what}: the registry claims to have ${reached} bytes; ${end} were sent.`,
    )
  }
}

/** Where an upload is ended: its location, with the digest of what was sent. */
export function withDigest(location: URL, digest: Digest): URL {
  const url = new URL(location)
  // Not searchParams: that would write the query anew, and some registries sign theirs.
  url.search += `${url.search === '' ? '?' : '&'}digest=${encodeURIComponent(digest)}`
  return url
}

export function aboutUpload({ blob }: UploadSource): string {
  return `upload of ${blob.digest}`
}

/** Whether an error is one of the network that another try may not meet. */
export function isTransientFault(error: OcibakeError): boolean {
  return error.cause instanceof NetworkFault && error.cause.transient
}

/**
 * How many bytes a session has by its Range (`0-1023`), or `assumed` without one. `0-0` is what registries say of both
 * none and one.
 */
function offsetAfter(answer: Answer, assumed: number, size: number): number {
  const range = /^(?:bytes=)?0-([0-9]{1,15})$/.exec(answer.headers.get('range')?.trim() ?? '')
  if (range === null) return assumed
  const last = Number(range[1])
  return last === 0 && size > 1 ? 0 : last + 1
}
