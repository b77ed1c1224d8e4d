import { appendFile, mkdir } from 'node:fs/promises'
import type { LeaveClean } from '../scripts/demo/leave-clean.ts'
import type { Builder } from './builders/builder.ts'
import { ocibake } from './builders/ocibake.ts'
import { canBuild, type PeerName, peer } from './builders/peers.ts'
import { checkImage } from './check-image.ts'
import { measure } from './measure.ts'
import { runImage } from './run-image.ts'
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

/** One build that is to be timed. */
interface Turn {
  readonly variant: Variant
  readonly builder: Builder
  readonly start: Start
  readonly run: number
}

/**
 * Times every builder on every variant. Builders take turns within a round, so that what else the machine does meets
 * all of them. Every image is checked; the first of those with a script are run, too. A builder that fails, or makes a
 * wrong image, is left out of that variant and start from then on.
 */
export async function compare(options: CompareOptions): Promise<TimedBuild[]> {
  const { variants, peers, runs, folder, scenario, services, clean } = options
  await mkdir(folder, { recursive: true })
  const builders = [ocibake(scenario, services, folder), ...peers.map((name) => peer(name, scenario, services, folder))]
  const builds: TimedBuild[] = []
  const failed = new Set<string>()
  for (const turn of turns(variants, builders, runs)) {
    const what = `${turn.variant.name} ${turn.start} ${turn.builder.name}`
    if (failed.has(what)) continue
    clean.signal.throwIfAborted()
    try {
      const build = await timed(turn, options)
      builds.push(build)
      await appendFile(options.results, `${JSON.stringify(build)}\n`)
      console.error(`bench: ${what} ${turn.run}/${runs}: ${inWords(build)}`)
    } catch (error) {
      clean.signal.throwIfAborted()
      failed.add(what)
      console.error(`bench: ${what} is left out: ${error}`)
    }
  }
  return builds
}

function* turns(variants: readonly Variant[], builders: readonly Builder[], runs: number): Generator<Turn> {
  for (const variant of variants) {
    for (let run = 1; run <= runs; run++) {
      for (const start of STARTS) {
        const able = builders.filter(({ name, starts }) => starts.includes(start) && canBuild(name, variant))
        for (const builder of able) yield { variant, builder, start, run }
      }
    }
  }
}

async function timed({ variant, builder, start, run }: Turn, options: CompareOptions): Promise<TimedBuild> {
  const { services, folder, clean } = options
  const image = builder.outOf(variant)
  await builder.prepare(variant, start)
  if (!builder.keepsRegistry(start)) await services.reset()
  const { lines, ...measured } = await measure(builder.command(variant, start), folder, clean.signal)
  const { size } = await checkImage(image, variant)
  if (run === 1 && variant.script !== undefined) await runImage(image, folder, clean.signal)
  const build = { variant: variant.name, builder: builder.name, start, ...measured, size }
  return builder.name === 'ocibake' ? { ...build, shares: sharesOf(lines, measured.seconds) } : build
}

function inWords({ seconds, cpuSeconds, peakMiB, load }: TimedBuild): string {
  return `${seconds.toFixed(2)} s, ${cpuSeconds.toFixed(2)} s of CPU, ${peakMiB.toFixed(0)} MiB, load ${load.toFixed(1)}`
}
