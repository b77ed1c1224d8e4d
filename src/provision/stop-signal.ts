import { OcibakeError } from '../errors.ts'

/** Milliseconds, 25 days: beyond it a timer of Node fires at once. */
const LONGEST_TIMER = 2 ** 31 - 1

/** What ends a command before its time: the caller, or a timeout. */
export interface StopSignal {
  readonly stop: AbortSignal
  isTimedOut(): boolean
  /** @throws INTERRUPTED, or the reason that the caller gave */
  throwIfInterrupted(): void
}

/** @param milliseconds undefined: no timeout */
export function stopSignal(signal: AbortSignal, milliseconds: number | undefined): StopSignal {
  const timeout = milliseconds === undefined ? undefined : AbortSignal.timeout(Math.min(milliseconds, LONGEST_TIMER))
  return {
    stop: AbortSignal.any(timeout === undefined ? [signal] : [signal, timeout]),
    isTimedOut: () => timeout?.aborted === true,
    throwIfInterrupted: () => {
      if (!signal.aborted) return
      if (signal.reason instanceof OcibakeError) throw signal.reason
      throw new OcibakeError('INTERRUPTED', 'The script was stopped.', { cause: signal.reason })
    },
  }
}
