import { Worker } from 'node:worker_threads'
import { type Digest, Digester, parseDigest } from './digest.ts'
import type { HashAnswer, HashJob } from './hash-worker.ts'

const WORKER = new URL(`./hash-worker${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url)

/** The sha256 of bytes in shared memory, in the order in which they are given. Whoever makes one closes it. */
export interface RawHasher {
  /** Resolves when the bytes are no longer needed. */
  update(job: HashJob): Promise<void>
  /** Ends the hasher: it can be asked once. */
  digest(): Promise<Digest>
  close(): Promise<void>
}

/** Hashes where it is called: for little. */
export function hereHasher(): RawHasher {
  const digester = new Digester()
  return {
    update: async ({ memory, size }) => digester.update(new Uint8Array(memory, 0, size)),
    digest: async () => digester.digest(),
    close: async () => {},
  }
}

/** Hashes in a thread of its own: all bytes of a layer go through one sha256, the longest work that cannot be divided. */
export class ThreadHasher implements RawHasher {
  readonly #worker = new Worker(WORKER, { execArgv: [], resourceLimits: { maxYoungGenerationSizeMb: 4 } })
  /** Questions that are not answered, oldest first. */
  readonly #asked: PromiseWithResolvers<HashAnswer>[] = []
  #failure: { error: unknown } | undefined

  constructor() {
    this.#worker.unref()
    this.#worker.on('message', (answer: HashAnswer) => this.#asked.shift()?.resolve(answer))
    this.#worker.on('error', (error) => this.#fail(error))
    this.#worker.on('exit', (code) => this.#fail(new Error(`the hashing thread ended with code ${code}`)))
  }

  async update(job: HashJob): Promise<void> {
    await this.#ask(job)
  }

  async digest(): Promise<Digest> {
    const answer = await this.#ask('end')
    return parseDigest(answer === 'done' ? '' : `sha256:${answer.hex}`, 'the layer')
  }

  async close(): Promise<void> {
    await this.#worker.terminate()
  }

  async #ask(question: HashJob | 'end'): Promise<HashAnswer> {
    if (this.#failure !== undefined) throw this.#failure.error
    const asked = Promise.withResolvers<HashAnswer>()
    this.#asked.push(asked)
    this.#worker.ref()
    this.#worker.postMessage(question)
    try {
      return await asked.promise
    } finally {
      if (this.#asked.length === 0) this.#worker.unref()
    }
  }

  #fail(error: unknown): void {
    this.#failure ??= { error }
    for (const asked of this.#asked.splice(0)) asked.reject(error)
  }
}
