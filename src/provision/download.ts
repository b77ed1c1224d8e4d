import type { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { OcibakeError, systemCode } from '../errors.ts'
import type { Report } from '../events.ts'
import { Network } from '../network/network.ts'
import { connectionCode, PROXY_FAULTS } from '../network/proxy-fault.ts'
import { singleUse } from '../oci/single-use.ts'
import { refuseTooLarge } from '../oci/write-error.ts'
import type { DownloadFile } from './download-file.ts'

/** How patient a download is. Times are milliseconds. */
export interface Patience {
  /** Tries in a row that bring nothing new before the download is given up. */
  readonly attempts: number
  /** The wait before the second try; it doubles with each further one. */
  readonly backoff: number
  /** The longest wait between two tries, whatever the server asks for. */
  readonly longestWait: number
  /** A try that brings no byte for so long is ended. Slow but steady is fine. */
  readonly idle: number
  /** Bytes that a body may have that does not say how many: there are some that never end. Default: 32 GB. */
  readonly unsized?: number
}

export const PATIENCE: Patience = { attempts: 5, backoff: 500, longestWait: 60_000, idle: 60_000 }
const UNSIZED = 32e9

/** Progress is told no more often than eyes can follow, in milliseconds. */
const BETWEEN_REPORTS = 100

/** Failures of a connection that no further try mends: unknown names, and certificates that nobody vouches for. */
const HOPELESS = /^ENOTFOUND$|CERT|LEAF_SIGNATURE|^EPROXY(AUTH|DENIED)$/

/** A try that failed in a way that the next one may not. The message is a reason fit for a log. */
export class PassingFault extends Error {
  override readonly name = 'PassingFault'
  /** What the server asked for, in milliseconds. */
  readonly wait: number | undefined

  constructor(reason: string, wait?: number, cause?: unknown) {
    super(reason, { cause })
    this.wait = wait
  }
}

/** How a download ended. */
export interface Validated {
  /** Strong: while the source has this ETag its bytes are the same (RFC 9110, section 8.8.3). */
  readonly etag: string | undefined
  /** The source still has the ETag that was known before, so nothing was fetched. */
  readonly isUnchanged: boolean
}

/** What fetching needs of a build. */
export interface DownloadTools {
  readonly report: Report
  readonly signal: AbortSignal
  /** Proxies and private authorities; sources are asked directly when absent. */
  readonly network?: Network
}

const DIRECT = new Network()

/** One download on its way into a file: what it is called, how it tells its progress, when it gives up. */
export class Download {
  /** What is fetched, without credentials and query string. */
  readonly what: string
  readonly file: DownloadFile
  /** Aborted by the caller, or by `cancel`. */
  readonly signal: AbortSignal
  readonly patience: Patience
  readonly network: Network
  readonly #report: Report
  readonly #cancelled = new AbortController()
  #done = 0
  #total: number | undefined
  #told = 0

  constructor(
    what: string,
    file: DownloadFile,
    { report, signal, network = DIRECT }: DownloadTools,
    patience: Patience = PATIENCE,
  ) {
    this.what = what
    this.network = network
    this.file = file
    this.signal = AbortSignal.any([signal, this.#cancelled.signal])
    this.patience = patience
    this.#report = report
  }

  /** Does `fetch` between a 'task-started' and a 'task-finished' event. */
  async run(fetch: () => Promise<Validated>): Promise<Validated> {
    const task = `fetch ${this.what}`
    this.#report({ type: 'task-started', task, label: this.what })
    let outcome = 'failed'
    try {
      const validated = await fetch()
      outcome = validated.isUnchanged ? 'unchanged' : `${this.#done} bytes`
      return validated
    } finally {
      this.#report({ type: 'task-finished', task, outcome })
    }
  }

  /** The size of the whole, once it is known. @throws DISK_FULL when there is no room for it */
  expect(total: number): void {
    this.#total = total
    // What is there of it has its room.
    if (this.#done === 0) refuseTooLarge(this.file.path, total)
  }

  /** Of a body of which nobody knows the size there are `bytes` now. @throws FETCH_FAILED when that is too much */
  refuseEndless(bytes: number): void {
    const { unsized = UNSIZED } = this.patience
    if (bytes <= unsized) return
    throw new OcibakeError(
      'FETCH_FAILED',
      `${this.what} goes on after ${unsized} bytes, and never said how many it has.`,
      {
        hint: 'Fetch it with another program, and name the file in the spec.',
      },
    )
  }

  /** `bytes` more are in the file; a negative number when some are thrown away. */
  advance(bytes: number): void {
    this.#done += bytes
    const now = performance.now()
    if (now - this.#told < BETWEEN_REPORTS && this.#done !== this.#total) return
    this.#told = now
    const total = this.#total === undefined ? {} : { total: this.#total }
    this.#report({ type: 'task-progress', task: `fetch ${this.what}`, done: this.#done, ...total })
  }

  /**
   * What `attempt` gives, tried again after a PassingFault. It tells how far it has come with `reached` (bytes): beyond
   * where any try was before, the counting of tries starts anew. @throws FETCH_FAILED when patience is at its end, INTERRUPTED
   */
  async persist<T>(attempt: (reached: (at: number) => void) => Promise<T>): Promise<T> {
    const { attempts, backoff, longestWait } = this.patience
    let furthest = 0
    for (let failed = 0; ; ) {
      this.throwIfInterrupted()
      try {
        return await attempt((at) => {
          if (at <= furthest) return
          furthest = at
          failed = 0
        })
      } catch (error) {
        this.throwIfInterrupted()
        if (!(error instanceof PassingFault)) throw error
        failed++
        if (failed >= attempts || HOPELESS.test(connectionCode(error.cause) ?? '')) throw this.#givenUp(error, failed)
        const wait = Math.round(Math.min(error.wait ?? backoff * 2 ** (failed - 1), longestWait))
        this.#report({
          type: 'retry',
          what: this.what,
          attempt: failed + 1,
          limit: attempts,
          waitMilliseconds: wait,
          reason: error.message,
        })
        await sleep(wait, undefined, { signal: this.signal }).catch(() => this.throwIfInterrupted())
      }
    }
  }

  /** Ends what else is under way for this download with the error that ended a part of it. The first error counts. */
  cancel(error: unknown): void {
    this.#cancelled.abort(error)
  }

  /** What `send` gives; no answer within `idle` milliseconds ends it. Its signal no longer acts once there is one. */
  async answered<T>(send: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const { idle } = this.patience
    const late = new AbortController()
    const timer = setTimeout(() => late.abort(), idle)
    try {
      return await send(AbortSignal.any([this.signal, late.signal]))
    } catch (error) {
      this.throwIfInterrupted()
      throw late.signal.aborted ? new PassingFault(`no answer came for ${idle / 1000} seconds`) : error
    } finally {
      clearTimeout(timer)
    }
  }

  /** @throws INTERRUPTED, the OcibakeError that the signal was aborted with, or what `cancel` was given */
  throwIfInterrupted(): void {
    if (!this.signal.aborted) return
    const { reason } = this.signal
    const cancelled = this.#cancelled.signal.aborted && reason === this.#cancelled.signal.reason
    if (cancelled || reason instanceof OcibakeError) throw reason
    throw new OcibakeError('INTERRUPTED', `Interrupted while fetching ${this.what}.`, { cause: reason })
  }

  #givenUp(fault: PassingFault, failed: number): OcibakeError {
    const tries = failed === 1 ? '' : ` (given up after ${failed} attempts)`
    const hint = /CERT|LEAF_SIGNATURE/.test(systemCode(fault.cause) ?? '')
      ? 'If a private authority vouches for the server: SSL_CERT_FILE=/path/to/ca.pem ocibake …'
      : 'Check the network and the address, then run the same command again.'
    const message = `${this.what} could not be fetched: ${fault.message}${tries}.`
    return new OcibakeError('FETCH_FAILED', message, { hint, cause: fault })
  }
}

/** The bytes of `body`, which ends with a PassingFault when none arrives for `idle` milliseconds or the connection breaks. */
export async function* steady(body: Readable, idle: number): AsyncGenerator<Uint8Array> {
  const stalled = Symbol('stalled')
  const chunks = body[Symbol.asyncIterator]()
  let timer: NodeJS.Timeout | undefined
  try {
    for (;;) {
      const late = new Promise<typeof stalled>((resolve) => {
        timer = setTimeout(resolve, idle, stalled)
      })
      const next = await Promise.race([chunks.next(), late])
      clearTimeout(timer)
      if (next === stalled) throw new PassingFault(`no byte came for ${idle / 1000} seconds`)
      if (next.done === true) return
      yield singleUse(next.value as Uint8Array)
    }
  } catch (error) {
    throw error instanceof PassingFault ? error : brokenConnection(error)
  } finally {
    clearTimeout(timer)
    body.destroy()
  }
}

/** A failure of the network in words, never those of the library, which may hold the URL. */
export function brokenConnection(error: unknown): PassingFault {
  const code = connectionCode(error) ?? (error instanceof Error ? error.name : 'unknown')
  return new PassingFault(PROXY_FAULTS.get(code) ?? `the connection broke (${code})`, undefined, error)
}
