import type { Start, Variant } from '../variants.ts'

/** A command to be timed. */
export interface Command {
  readonly argv: readonly string[]
  readonly env: Readonly<Record<string, string>>
}

export interface Builder {
  readonly name: string
  /** What it can begin with. */
  readonly starts: readonly Start[]
  /** Not timed: leaves its stores in the state that `start` names. */
  prepare(variant: Variant, start: Start): Promise<void>
  /** The registry is to keep what was pushed before. */
  keepsRegistry(start: Start): boolean
  /** Pulls, assembles, and pushes `outOf(variant)`. */
  command(variant: Variant, start: Start): Command
  outOf(variant: Variant): string
}
