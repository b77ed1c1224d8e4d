import { appendFile, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { LeaveClean } from '../scripts/demo/leave-clean.ts'
import type { Builder } from './builders/builder.ts'
import { ocibake } from './builders/ocibake.ts'
import { canBuild, type PeerName, peer } from './builders/peers.ts'
import { checkImage } from './check-image.ts'
import { measure } from './measure.ts'
import type { Scenario } from './scenario/scenario.ts'
import type { Services } from './services.ts'
import { sharesOf } from './shares.ts'
import type { TimedBuild } from './timed-build.ts'
import { STARTS, type Start, type Variant } from './variants.ts'

export interface CompareOptions {
  readonly variants: readonly Variant[]
  readonly peers: readonly PeerName[]
  readonly runs: number
  /** Stores of the builders go below it. */
  readonly folder: string
  /** Gets a line of JSON for each run as soon as it is done. */
  readonly results: string
  readonly scenario: Scenario
  readonly services: Services
  readonly clean: LeaveClean
}

/**
 * Times every builder on every variant. Builders take turns within a round, so that what else the machine does meets
 * all of them. A builder that fails, or makes a wrong image, is left out of that variant and start from then on.
 */
export async function compare(options: CompareOptions): Promise<TimedBuild[]> {
  const { variants, peers, runs, folder, scenario, services, clean } = options
  await mkdir(folder, { recursive: true })
  const builders = [ocibake(scenario, services, folder), ...peers.map((name) => peer(name, scenario, services, folder))]
  const records: TimedBuild[] = []
  const failed = new Set<string>()
  for (const variant of variants) {
    for (let run = 1; run <= runs; run++) {
      for (const start of STARTS) {
        for (const builder of builders.filter(
          ({ name, starts }) => starts.includes(start) && canBuild(name, variant),
        )) {
          const what = `${variant.name} ${start} ${builder.name}`
          if (failed.has(what)) continue
          clean.signal.throwIfAborted()
          const record = await timed(builder, variant, start, options).catch((error: unknown) => {
            clean.signal.throwIfAborted()
            failed.add(what)
            console.error(`bench: ${what} is left out: ${error}`)
          })
          if (record === undefined) continue
          records.push(record)
          await appendFile(options.results, `${JSON.stringify(record)}\n`)
          console.error(
            `bench: ${what} ${run}/${runs}: ${record.seconds.toFixed(2)} s, ${record.cpuSeconds.toFixed(2)} s of CPU, ${record.peakMiB.toFixed(0)} MiB, load ${record.load}`,
          )
        }
      }
    }
  }
  return records
}

async function timed(builder: Builder, variant: Variant, start: Start, options: CompareOptions): Promise<TimedBuild> {
  const { services, folder, clean } = options
  await builder.prepare(variant, start)
  if (!builder.keepsRegistry(start)) await services.reset()
  const { lines, ...measured } = await measure(builder.command(variant), join(folder), clean.signal)
  const { size } = await checkImage(builder.outOf(variant), variant)
  const shares = builder.name === 'ocibake' ? Object.fromEntries(sharesOf(lines, measured.seconds)) : undefined
  return {
    variant: variant.name,
    builder: builder.name,
    start,
    ...measured,
    size,
    ...(shares === undefined ? {} : { shares }),
  }
}
