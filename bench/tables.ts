import { table } from './table.ts'
import { type Summary, summaries, type TimedBuild } from './timed-build.ts'
import { STARTS, VARIANTS, type Variant } from './variants.ts'
import { verdictOn } from './verdict.ts'

/**
 * All that the runs say: medians, how many times as fast ocibake is as the fastest of the others and the goal for that,
 * the same by CPU time, which neighbours disturb less; then where ocibake's time went.
 */
export function resultTables(records: readonly TimedBuild[]): string {
  const all = summaries(records)
  const variants = VARIANTS.filter(({ name }) => all.some((one) => one.variant === name))
  const rows = variants.flatMap((variant) => rowsOf(variant, all))
  const head = [
    'variant',
    'start',
    'builder',
    'seconds',
    'from',
    'to',
    'cpu s',
    'MiB',
    'MB',
    'load',
    'ratio',
    'by CPU',
    'goal',
    '',
  ]
  return `${table(head, rows)}\n\n${shareTable(all)}`
}

function rowsOf(variant: Variant, all: readonly Summary[]): string[][] {
  const own = all.filter((one) => one.variant === variant.name)
  return own
    .toSorted((a, b) => STARTS.indexOf(a.start) - STARTS.indexOf(b.start))
    .map((one) => {
      const times = [one.seconds, one.fastest, one.slowest, one.cpuSeconds].map((seconds) => seconds.toFixed(2))
      const sizes = [one.peakMiB.toFixed(0), (one.size / 1e6).toFixed(1), one.load.toFixed(1)]
      const verdict = one.builder === 'ocibake' ? verdictOn(variant, one.start, all) : undefined
      const ratio = verdict?.ratio === undefined ? '' : `${verdict.ratio.toFixed(2)}x`
      const byCpu = verdict?.rival === undefined ? '' : `${(verdict.rival.cpuSeconds / one.cpuSeconds).toFixed(2)}x`
      const word = verdict?.reached === undefined ? '' : verdict.reached ? 'reached' : 'missed'
      return [variant.name, one.start, one.builder, ...times, ...sizes, ratio, byCpu, verdict?.goal ?? '', word]
    })
}

/** Below one in a hundred nobody looks. */
function shareTable(all: readonly Summary[]): string {
  const rows = all.flatMap(({ variant, start, seconds, shares }) => {
    if (shares === undefined) return []
    const large = Object.entries(shares).filter(([, part]) => part / seconds >= 0.01)
    const parts = large.toSorted(([, a], [, b]) => b - a)
    const percent = (part: number) => Math.round((100 * part) / seconds)
    return [[variant, start, parts.map(([name, part]) => `${name} ${percent(part)}%`).join(', ')]]
  })
  return table(['variant', 'start', "where ocibake's time goes"], rows)
}
