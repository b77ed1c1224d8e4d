import { setTimeout as sleep } from 'node:timers/promises'
import { OcibakeError } from '../errors.ts'
import { retryAfter } from '../network/retry-after.ts'

/** How patient the transport is. Times are milliseconds. */
export interface Timing {
  /** Tries of one request in all, the first included. */
  readonly attempts: number
  /** The wait before the second try; doubles with each. */
  readonly backoff: number
  /** The longest wait between two tries, whatever Retry-After says. */
  readonly longestWait: number
  /** No byte in either direction for so long ends a try. */
  readonly idle: number
  /** How long a server may think after it has received the last byte of an upload: some copy it first. */
  readonly settle: number
}

export const PATIENCE: Timing = { attempts: 5, backoff: 500, longestWait: 60_000, idle: 60_000, settle: 300_000 }

const TRANSIENT_STATUS: ReadonlySet<number> = new Set([408, 425, 429, 500, 502, 503, 504])

/** Whether an HTTP status says "not now". */
export function isTransientStatus(status: number): boolean {
  return TRANSIENT_STATUS.has(status)
}

/**
 * Milliseconds to wait after the failed try number `attempt` (from 1): what Retry-After says (seconds or an HTTP date,
 * RFC 9110 section 10.2.3), else doubling from `backoff` with a quarter of jitter; never above `longestWait`.
 */
export function waitBefore(attempt: number, asked: string | null, timing: Timing, now = Date.now()): number {
  const told = retryAfter(asked, now)
  const wait = told ?? timing.backoff * 2 ** (attempt - 1) * (0.75 + Math.random() / 2)
  return Math.round(Math.min(wait, timing.longestWait))
}

/** Sleeps. @throws INTERRUPTED, or the error that the signal was aborted with */
export async function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  await sleep(milliseconds, undefined, { signal }).catch(() => {
    throw interruption(signal)
  })
}

/** What to throw when `signal` is aborted: its own reason if that is an error of ours. */
export function interruption(signal: AbortSignal): OcibakeError {
  if (signal.reason instanceof OcibakeError) return signal.reason
  return new OcibakeError('INTERRUPTED', 'Interrupted while talking to a registry.', { cause: signal.reason })
}
