import { availableParallelism } from 'node:os'
import { floorOf } from './floor.ts'
import type { MeasuredLimits } from './limits.ts'
import type { Scenario } from './scenario/scenario.ts'
import { sizesOf } from './scenario/sizes-of.ts'
import { table } from './table.ts'
import { summaries, type TimedBuild } from './timed-build.ts'
import type { Variant } from './variants.ts'

/** How far ocibake is from what this machine can do at best. */
export async function floorTable(
  builds: readonly TimedBuild[],
  variants: readonly Variant[],
  scenario: Scenario,
  limits: MeasuredLimits,
): Promise<string> {
  const own = summaries(builds).filter(({ builder }) => builder === 'ocibake')
  const rows: string[][] = []
  for (const variant of variants) {
    for (const { start, seconds, size } of own.filter((one) => one.variant === variant.name)) {
      const sizes = await sizesOf(scenario, variant, size)
      const floor = floorOf(variant, start, sizes, limits, availableParallelism())
      rows.push([variant.name, start, seconds.toFixed(2), floor.toFixed(2), `${(seconds / floor).toFixed(1)}x`])
    }
  }
  return table(['variant', 'start', 'ocibake s', 'floor s', 'apart'], rows)
}
