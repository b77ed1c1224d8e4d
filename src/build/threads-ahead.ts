import { LayerThreads } from '../oci/layer-threads.ts'
import type { Store } from '../oci/store.ts'
import type { Plan } from '../spec/plan.ts'
import { addsNothing } from './make-tree.ts'

/**
 * Threads for the layer that is going to be written, started as soon as somebody knows that there will be one: even the
 * smallest layer would have to wait for one. Disposed of, those that were started end.
 */
export class ThreadsAhead implements AsyncDisposable {
  readonly #plan: Plan
  readonly #store: Store
  #threads: Promise<LayerThreads | undefined> | undefined

  constructor(plan: Plan, store: Store) {
    this.#plan = plan
    this.#store = store
  }

  /** The same for everybody; undefined when there will be no layer, or another than gzip's. */
  start(): Promise<LayerThreads | undefined> {
    if (this.#plan.compression !== 'gzip' || addsNothing(this.#plan)) return Promise.resolve(undefined)
    this.#threads ??= LayerThreads.start(this.#store)
    // Whoever needs them gets the failure.
    this.#threads.catch(() => {})
    return this.#threads
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const threads = await this.#threads?.catch(() => undefined)
    await threads?.[Symbol.asyncDispose]()
  }
}
