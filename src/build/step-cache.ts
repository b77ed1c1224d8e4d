import { setImmediate } from 'node:timers/promises'
import { OcibakeError } from '../errors.ts'
import type { Digest } from '../oci/digest.ts'
import { layerBytes } from '../oci/layer-bytes.ts'
import type { Tree } from '../oci/node.ts'
import type { Store } from '../oci/store.ts'
import { treeDelta } from '../oci/tree-delta.ts'
import type { AnsibleStep } from '../provision/ansible-step.ts'
import type { Fingerprint } from '../provision/fingerprint.ts'
import { perform } from '../provision/perform.ts'
import { isCached, isScript, type RunStep, type Tools } from '../provision/step.ts'
import type { PlannedStep } from '../spec/plan.ts'
import type { Aside } from './aside.ts'
import { resultKey, stepKey } from './cache-keys.ts'
import type { CacheRepo } from './cache-repo.ts'
import { type CacheUse, mayUse } from './cache-use.ts'
import type { Changes } from './last-build.ts'
import type { StepRecord } from './step-record.ts'
import { takeResult } from './step-results.ts'
import { noting, warnAgain } from './warnings.ts'

export interface StepCacheOptions {
  readonly store: Store
  /** Where results of other machines may be. */
  readonly cacheRepo?: CacheRepo | undefined
  readonly inputs: readonly Fingerprint[]
  readonly changes: Changes
  readonly use: CacheUse
  /** The key of the chain before the first step. */
  readonly start: Digest
  /** Seconds: what a script wrote before this time would be dated otherwise if it ran now, so it runs. */
  readonly notBefore: number
  /** Where results are kept: nobody waits for that but the next script. */
  readonly aside: Aside
}

/**
 * Performs the steps of one build, in their order; a script whose inputs an earlier build had is not run: what it
 * changed then is changed again.
 */
export class StepCache {
  readonly #options: StepCacheOptions
  /** undefined: no key says what the tree is now. */
  #key: Promise<Digest | undefined>
  #oldest = Number.POSITIVE_INFINITY

  constructor(options: StepCacheOptions) {
    this.#options = options
    this.#key = Promise.resolve(options.start)
  }

  /** Of the chain after the steps so far; undefined when the cache could not keep one of them. @throws DISK_FULL */
  get key(): Promise<Digest | undefined> {
    return this.#key
  }

  /** When the oldest of the scripts was run that were not run now, seconds; infinity when there is none. */
  get oldest(): number {
    return this.#oldest
  }

  /** The tree after the step. @throws what the step throws, and then nothing of it is kept */
  async perform(tree: Tree, planned: PlannedStep, tools: Tools): Promise<Tree> {
    const { step, number } = planned
    const input = this.#options.inputs[number - 1]!
    this.#key = this.#options.aside.begun(
      this.#key.then((key) => (key === undefined ? undefined : stepKey(key, input))),
    )
    const lent = input.taken === undefined ? tools : { ...tools, taken: input.taken }
    return isScript(step) ? await this.#run(tree, planned, step, lent) : await perform(tree, step, lent)
  }

  async #run(tree: Tree, planned: PlannedStep, step: RunStep | AnsibleStep, tools: Tools): Promise<Tree> {
    const key = await this.#key
    const { number, verb } = planned
    const say = (hit: boolean, why: string) => tools.report({ type: 'step-cache', step: number, verb, hit, why })
    const { store, cacheRepo, use, notBefore } = this.#options
    const isUsable = key !== undefined && isCached(step) && mayUse(use, number)
    const places = { store, cacheRepo, signal: tools.signal }
    const taken = isUsable ? await takeResult(key, tree, notBefore, places) : undefined
    if (taken === undefined || taken === 'too old') {
      const isTooOld = taken === 'too old'
      say(false, isTooOld ? 'run again because the image is dated later than its result' : this.#whyNot(planned))
      return await this.#runNow(tree, planned, step, tools, key)
    }
    const { record, from } = taken
    say(true, `from ${from}`)
    warnAgain(tools.report, record.warnings)
    this.#oldest = Math.min(this.#oldest, record.started)
    this.#key = Promise.resolve(resultKey(key!, record.diffId))
    return taken.tree
  }

  #whyNot({ number, step }: PlannedStep): string {
    const { use, changes } = this.#options
    if (!isCached(step)) return 'run again because of `cache: false`'
    if (mayUse(use, number)) return changes.why(number)
    return `run again because of ${use === 'none' ? '--no-cache' : '--no-cache-from'}`
  }

  async #runNow(
    tree: Tree,
    { verb, title, number }: PlannedStep,
    step: RunStep | AnsibleStep,
    tools: Tools,
    key: Digest | undefined,
  ): Promise<Tree> {
    this.#key = Promise.resolve(undefined)
    const started = Math.floor(Date.now() / 1000)
    const { report, warnings } = noting(tools.report)
    const after = await perform(tree, step, { ...tools, report })
    if (!(await this.#isStill(number, tools)) || key === undefined) return after
    const keep = async () => {
      const diffId = await this.#keepDelta(tree, after, tools.signal)
      if (diffId === undefined) return undefined
      const record: StepRecord = { kind: 'step', title: `${verb} ${title}`, diffId, started, warnings }
      await this.#options.store.set(key, record)
      return resultKey(key, diffId)
    }
    this.#key = this.#options.aside.begun(keep())
    return after
  }

  /** What a step made of something else would be taken for its result, for ever. */
  async #isStill(number: number, { report, signal }: Tools): Promise<boolean> {
    signal.throwIfAborted()
    const { isStill } = this.#options.inputs[number - 1]!
    const is = isStill === undefined || (await isStill().catch(() => false))
    if (!is)
      report({
        type: 'warning',
        message: `What step ${number} reads changed while it was performed: its result is not kept.`,
      })
    return is
  }

  /** undefined for a tree of which no layer can say what has changed. */
  async #keepDelta(before: Tree, after: Tree, signal: AbortSignal): Promise<Digest | undefined> {
    // What the image waits for goes first.
    await setImmediate()
    const delta = treeDelta(before, after)
    if (delta === undefined) return undefined
    try {
      return (await this.#options.store.ingestTar(layerBytes(delta), { signal })).diffId
    } catch (error) {
      // A later step may remove it; if none does, writing the image's own layer says what is wrong.
      if (error instanceof OcibakeError && UNSAYABLE.has(error.code)) return undefined
      throw error
    }
  }
}

const UNSAYABLE: ReadonlySet<string> = new Set(['LAYER_INVALID', 'PATH_INVALID'])
