import { resolve } from 'node:path'
import { type Digest, digestOf } from '../oci/digest.ts'
import type { Store } from '../oci/store.ts'
import type { Fingerprint } from '../provision/fingerprint.ts'
import type { Plan, PlannedStep } from '../spec/plan.ts'
import type { Start } from './cache-keys.ts'

/** What went into the last build of a spec file: by it the next one says what has changed. */
interface LastBuild {
  readonly start: Start
  readonly steps: readonly { readonly verb: string; readonly text: Digest; readonly input: Digest | undefined }[]
}

/** Says why a step's result is not in the cache, by comparing with the last build of the same spec file. */
export class Changes {
  readonly #plan: Plan
  readonly #start: Start
  readonly #inputs: readonly Fingerprint[]
  readonly #last: LastBuild | undefined

  private constructor(plan: Plan, start: Start, inputs: readonly Fingerprint[], last: LastBuild | undefined) {
    this.#plan = plan
    this.#start = start
    this.#inputs = inputs
    this.#last = last
  }

  /** Compares this build with the last one, and makes it the last one. */
  static async since(store: Store, plan: Plan, start: Start, inputs: readonly Fingerprint[]): Promise<Changes> {
    const key = digestOf(`ocibake last build of ${resolve(plan.file)} for ${start.platform}`)
    const last = (await store.get(key)) as LastBuild | undefined
    const steps = plan.steps.map(({ verb }, i) => ({ verb, text: textDigest(inputs[i]!), input: inputs[i]!.input }))
    await store.set(key, { start, steps } satisfies LastBuild)
    return new Changes(plan, start, inputs, last)
  }

  /** Half a sentence: `changed because rootfs/etc/app.conf changed`. @param step counted from 1 */
  why(step: number): string {
    const last = this.#last
    if (last?.steps[step - 1]?.verb !== this.#plan.steps[step - 1]!.verb) return 'first build here'
    const cause = this.#startChange(last) ?? this.#stepsChange(last, step)
    return cause === undefined ? 'the cache does not have its result' : `changed because ${cause}`
  }

  #startChange({ start }: LastBuild): string | undefined {
    if (!same(start.base, this.#start.base)) return 'the base changed'
    if (start.created !== this.#start.created) return "the image's time is another"
    return undefined
  }

  #stepsChange(last: LastBuild, until: number): string | undefined {
    for (const [i, planned] of this.#plan.steps.slice(0, until).entries()) {
      const before = last.steps[i]
      const now = this.#inputs[i]!
      if (before?.verb !== planned.verb || before.text !== textDigest(now)) {
        return i === until - 1 ? 'its own text changed' : `step ${i + 1} (${planned.verb}) is another`
      }
      if (before.input !== now.input) return inputChange(planned, now)
    }
    return undefined
  }
}

/** The titles say what the user wrote: `prebuildfs/opt/ -> /opt/`. */
function inputChange({ title, step }: PlannedStep, { change, taken }: Fingerprint): string {
  const source = title.split(' -> ')[0]!
  if (change === undefined) return `${source} changed`
  const isFolder = 'copy' in step && taken?.kind === 'files' && taken.source?.kind === 'directory'
  return isFolder ? `${source.replace(/\/*$/, '/')}${change}` : change
}

const textDigest = ({ text }: Fingerprint) => digestOf(JSON.stringify(text))
const same = (a: unknown, b: unknown) => JSON.stringify(a) === JSON.stringify(b)
