import type { Transport } from './transport.ts'

/** What a lookup of credentials may use to ask others, and what they are wanted for. */
export interface Asking {
  readonly transport: Transport
  /** Whether something is to be written. */
  readonly push: boolean
  readonly signal: AbortSignal
}
