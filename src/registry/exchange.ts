import type { Agent } from 'node:http'
import { Readable } from 'node:stream'
import { type AnswerHeaders, ask } from './ask.ts'
import { NetworkFault, networkFault } from './network-fault.ts'
import { interruption, type Timing } from './retry.ts'

/** What a request sends. Opening it twice gives the same bytes; without a size they go in chunks (RFC 9112, section 7.1). */
export interface RequestBody {
  readonly size?: number
  open(): AsyncIterable<Uint8Array>
}

export interface ExchangeRequest {
  readonly method: string
  readonly url: URL
  readonly headers: Readonly<Record<string, string>>
  readonly body?: RequestBody
  readonly agent: Agent
  readonly signal: AbortSignal
}

/** The start of an answer, whose body must be read to its end or left. */
export interface Exchange {
  readonly status: number
  readonly headers: AnswerHeaders
  readonly body: AsyncIterable<Uint8Array>
  /** Gives up the body, and the connection with it. Nothing happens after the body's end. */
  leave(): void
}

/**
 * One request and its answer: no redirect, no retry, no decoding. Progress in either direction keeps it
 * alive, however slow; silence for `timing.idle` ends it, and so does the caller's signal. A consumer that takes its
 * time is no silence.
 * @throws NetworkFault, also from the body; what the request's own body threw; INTERRUPTED
 */
export async function exchange(request: ExchangeRequest, timing: Timing): Promise<Exchange> {
  const watch = new Watch(request.signal, timing.idle)
  const upload = request.body === undefined ? undefined : new Upload(request.body, watch, timing)
  try {
    const { method, url, agent } = request
    const question = { method, url, headers: withLength(request), body: upload?.stream, agent }
    const { status, headers, body } = await ask(question, watch.signal)
    const leave = () => {
      watch.leave()
      upload?.stop()
    }
    return { status, headers, body: readBody(body, watch, leave), leave }
  } catch (error) {
    watch.leave()
    upload?.stop()
    throw upload?.fault ?? watch.explain(error)
  }
}

function withLength({ headers, body }: ExchangeRequest): Record<string, string> {
  return body?.size === undefined ? { ...headers } : { ...headers, 'Content-Length': String(body.size) }
}

async function* readBody(body: AsyncIterable<Buffer>, watch: Watch, leave: () => void): AsyncGenerator<Uint8Array> {
  try {
    watch.expect()
    for await (const chunk of body) {
      watch.rest()
      yield chunk
      watch.expect()
    }
  } catch (error) {
    throw watch.explain(error)
  } finally {
    leave()
  }
}

/** Ends an exchange in which nothing moves, or which the caller no longer wants. */
class Watch {
  readonly #controller = new AbortController()
  readonly #caller: AbortSignal
  readonly #idle: number
  readonly #abort = () => this.#controller.abort()
  #timer: NodeJS.Timeout | undefined
  #stalled = false
  #ended = false

  constructor(caller: AbortSignal, idle: number) {
    this.#caller = caller
    this.#idle = idle
    if (caller.aborted) this.#abort()
    caller.addEventListener('abort', this.#abort, { once: true })
    this.expect()
  }

  get signal(): AbortSignal {
    return this.#controller.signal
  }

  /** Something has to happen within `milliseconds` from now. */
  expect(milliseconds = this.#idle): void {
    this.rest()
    // The request's body may come to its end long after the exchange: a timer now would keep the process alive.
    if (this.#ended) return
    this.#timer = setTimeout(() => {
      this.#stalled = true
      this.#controller.abort()
    }, milliseconds)
  }

  /** It is not the network's turn. */
  rest(): void {
    clearTimeout(this.#timer)
  }

  end(): void {
    this.#ended = true
    this.rest()
    this.#caller.removeEventListener('abort', this.#abort)
  }

  /** As `end`, and ends the exchange if it still goes on. */
  leave(): void {
    this.end()
    this.#abort()
  }

  explain(error: unknown): Error {
    if (this.#caller.aborted) return interruption(this.#caller)
    return this.#stalled ? new NetworkFault('ESTALLED', error) : networkFault(error)
  }
}

/** The body of a request on its way. */
class Upload {
  readonly #content: RequestBody
  readonly #watch: Watch
  readonly #settle: number
  readonly stream: Readable
  /** What its source threw: not the network's fault. */
  fault: unknown

  constructor(content: RequestBody, watch: Watch, timing: Timing) {
    this.#content = content
    this.#watch = watch
    this.#settle = timing.settle
    this.stream = Readable.from(this.#bytes(), { objectMode: false })
  }

  /**
   * A server that has answered before it has read everything wants no more. The connection goes with the stream:
   * whatever came next on it would be taken for the rest of this body.
   */
  stop(): void {
    if (!this.stream.readableEnded) this.stream.destroy(new Error('answered early'))
  }

  async *#bytes(): AsyncGenerator<Uint8Array> {
    this.#watch.rest()
    let sent = 0
    for await (const chunk of this.#source()) {
      sent += chunk.byteLength
      this.#watch.expect()
      if (chunk.byteLength > 0) yield chunk
      this.#watch.rest()
    }
    const { size = sent } = this.#content
    if (sent !== size) {
      this.fault = new RangeError(`a body of ${size} bytes was announced and has ${sent}`)
      throw this.fault
    }
    this.#watch.expect(this.#settle)
  }

  async *#source(): AsyncGenerator<Uint8Array> {
    try {
      yield* this.#content.open()
    } catch (error) {
      this.fault = error
      throw error
    }
  }
}
