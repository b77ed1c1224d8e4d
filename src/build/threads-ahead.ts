import type { EarlyPool } from '../oci/early-pool.ts'
import { LayerThreads } from '../oci/layer-threads.ts'
import type { Store } from '../oci/store.ts'
import type { Plan } from '../spec/plan.ts'
import { addsNothing } from './make-tree.ts'

export interface AheadOptions {
  readonly store: Store
  /** Started before, for a layer that somebody thought there would be. */
  readonly earlyPool?: EarlyPool
  /** Called before a layer is begun: from now on the build takes memory, and loads little. */
  onLayer?(will: 'write'): void
}

/**
 * Threads for the layer that is going to be written, started as soon as somebody knows that there will be one: even the
 * smallest layer would have to wait for one. Disposed of, those that were started end.
 */
export class ThreadsAhead implements AsyncDisposable {
  readonly #plan: Plan
  readonly #options: AheadOptions
  #threads: Promise<LayerThreads | undefined> | undefined
  #isTold = false

  constructor(plan: Plan, options: AheadOptions) {
    this.#plan = plan
    this.#options = options
  }

  /** The same for everybody; undefined when there will be no layer, or another than gzip's. */
  start(): Promise<LayerThreads | undefined> {
    if (addsNothing(this.#plan)) return Promise.resolve(undefined)
    const { store, earlyPool } = this.#options
    // One that starts only now loads much of Node, which takes longer when somebody has changed settings of V8.
    if (earlyPool !== undefined) this.#tell()
    const wanted = this.#plan.compression === 'gzip'
    this.#threads ??= wanted ? LayerThreads.start(store, earlyPool) : Promise.resolve(undefined)
    // Whoever needs them gets the failure.
    this.#threads.catch(() => {})
    return this.#threads
  }

  /** As `start`, for whoever writes the layer now. */
  forLayer(): Promise<LayerThreads | undefined> {
    if (!addsNothing(this.#plan)) this.#tell()
    return this.start()
  }

  #tell(): void {
    if (!this.#isTold) this.#options.onLayer?.('write')
    this.#isTold = true
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const threads = await this.#threads?.catch(() => undefined)
    await threads?.[Symbol.asyncDispose]()
  }
}
