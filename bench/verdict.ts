import type { Summary } from './timed-build.ts'
import type { Start, Variant } from './variants.ts'

/** ocibake beside the others, in one variant and start. */
export interface Verdict {
  /** What it is compared with: the fastest builder that squashes. Of nothing changed, what that needs when warm. */
  readonly rival?: Summary
  /** How many times as fast as the rival. */
  readonly ratio?: number
  /** `1.8x`, `0.40 s`, or nothing. */
  readonly goal: string
  readonly reached?: boolean
}

export function verdictOn(variant: Variant, start: Start, all: readonly Summary[]): Verdict {
  const ours = all.find((one) => one.variant === variant.name && one.builder === 'ocibake' && one.start === start)
  // They have nothing of the kind here.
  const theirStart = start === 'nothing' ? 'warm' : start === 'shared' ? 'cold' : start
  const others = all.filter(
    (one) => one.variant === variant.name && one.builder !== 'ocibake' && one.start === theirStart,
  )
  const rival = others.toSorted((a, b) => a.seconds - b.seconds)[0]
  const ratio = ours === undefined || rival === undefined ? undefined : rival.seconds / ours.seconds
  const wanted = variant.goals[start]
  const { limit } = variant
  const reached =
    limit !== undefined && ours !== undefined
      ? ours.seconds <= limit
      : wanted !== undefined && ratio !== undefined
        ? ratio >= wanted
        : undefined
  return {
    ...(rival === undefined ? {} : { rival }),
    ...(ratio === undefined ? {} : { ratio }),
    goal: limit !== undefined ? `${limit} s` : wanted === undefined ? '' : `${wanted}x`,
    ...(reached === undefined ? {} : { reached }),
  }
}
