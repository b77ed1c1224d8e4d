import type { Measured } from './measure.ts'
import type { Shares } from './shares.ts'
import { median } from './statistics.ts'
import type { Start } from './variants.ts'

/** One timed run whose image was checked. */
export interface TimedBuild extends Measured {
  readonly variant: string
  readonly builder: string
  readonly start: Start
  /** Bytes of the pushed layers. */
  readonly size: number
  /** Seconds by what was under way; of ocibake alone. */
  readonly shares?: Shares
}

/** Medians of the runs of one variant, builder and start; the highest of their peaks. */
export interface Summary extends TimedBuild {
  readonly runs: number
  readonly fastest: number
  readonly slowest: number
}

export function summaries(builds: readonly TimedBuild[]): Summary[] {
  const groups = Map.groupBy(builds, ({ variant, builder, start }) => `${variant} ${builder} ${start}`)
  return [...groups.values()].map((group) => {
    const middle = (of: (one: TimedBuild) => number) => median(group.map(of))
    const seconds = group.map((one) => one.seconds)
    const shares = mediansOf(group.flatMap((one) => (one.shares === undefined ? [] : [one.shares])))
    return {
      ...group[0]!,
      runs: group.length,
      seconds: median(seconds),
      fastest: Math.min(...seconds),
      slowest: Math.max(...seconds),
      cpuSeconds: middle((one) => one.cpuSeconds),
      peakMiB: Math.max(...group.map((one) => one.peakMiB)),
      load: middle((one) => one.load),
      size: middle((one) => one.size),
      ...(shares === undefined ? {} : { shares }),
    }
  })
}

function mediansOf(all: readonly Shares[]): Shares | undefined {
  if (all.length === 0) return undefined
  const names = new Set(all.flatMap((shares) => Object.keys(shares)))
  return Object.fromEntries([...names].map((name) => [name, median(all.map((shares) => shares[name] ?? 0))]))
}
