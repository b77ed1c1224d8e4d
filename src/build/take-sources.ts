import { resolve } from 'node:path'
import { OcibakeError } from '../errors.ts'
import type { Event, Report } from '../events.ts'
import { type Fingerprint, fingerprint } from '../provision/fingerprint.ts'
import { each } from '../registry/each.ts'
import type { Plan, PlannedStep } from '../spec/plan.ts'
import type { BuildSurroundings } from './surroundings.ts'

/** What steps take from outside, on its way. Disposed of, what is still under way ends. */
export interface TakenSources extends AsyncDisposable {
  /**
   * Of all steps, in their order. Nothing is reported before this is called: by then it is known what the log must not
   * show. @throws what steps throw for their inputs, with the step that it was
   */
  fingerprints(): Promise<readonly Fingerprint[]>
}

export interface TakeSourcesOptions extends BuildSurroundings {
  /** Called when some source is found to be another than in the build before: then there will be something to do. */
  onChange?(): void
}

/** Sources that are read or fetched at the same time. */
const AT_ONCE = 4

/** Begins to look at all sources, and to fetch what it must of them, beside what else there is to ask for. */
export function takeSources(plan: Plan, options: TakeSourcesOptions): TakenSources {
  const ending = new AbortController()
  const signal = AbortSignal.any([options.signal, ending.signal])
  const { report, release } = held(options.report)
  const taking = takeAll(plan, { ...options, report, signal })
  // Whoever asks for them gets the failure.
  taking.catch(() => {})
  return {
    fingerprints() {
      release()
      return taking
    },
    async [Symbol.asyncDispose]() {
      ending.abort()
      await taking.catch(() => {})
    },
  }
}

async function takeAll(plan: Plan, options: TakeSourcesOptions): Promise<readonly Fingerprint[]> {
  const fingerprints: Fingerprint[] = []
  const trust = options.cache !== 'none'
  await each(bySource(plan.steps), AT_ONCE, options.signal, async (steps, signal) => {
    for (const { number, verb, step } of steps) {
      signal.throwIfAborted()
      try {
        const name = `${resolve(plan.file)} step ${number}`
        const taken = await fingerprint(step, { ...options, signal, trust, name, folder: plan.folder })
        if (taken.change !== undefined) options.onChange?.()
        fingerprints[number - 1] = taken
      } catch (error) {
        throw error instanceof OcibakeError ? error.at(`${plan.file}, step ${number} (${verb})`) : error
      }
    }
  })
  return fingerprints
}

/** Steps that unpack the same tarball follow each other: the second finds it in the store. */
function bySource(steps: readonly PlannedStep[]): Iterable<readonly PlannedStep[]> {
  return Map.groupBy(steps, ({ step, number }) => ('unpack' in step ? step.unpack : number)).values()
}

/** A report that keeps events until it is released, and passes them on from then on. */
function held(report: Report): { readonly report: Report; release(): void } {
  let kept: Event[] | undefined = []
  return {
    report: (event) => (kept === undefined ? report(event) : void kept.push(event)),
    release() {
      const events = kept ?? []
      kept = undefined
      for (const event of events) report(event)
    },
  }
}
