import { type Digest, Digester, parseDigest } from './digest.ts'
import type { HashAnswer, HashJob } from './hash-worker.ts'
import { Thread } from './thread.ts'

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
  readonly #thread = new Thread<HashJob | 'end', HashAnswer>(WORKER)

  async update(job: HashJob): Promise<void> {
    await this.#thread.ask(job)
  }

  async digest(): Promise<Digest> {
    const answer = await this.#thread.ask('end')
    return parseDigest(answer === 'done' ? '' : `sha256:${answer.hex}`, 'the layer')
  }

  async close(): Promise<void> {
    await this.#thread.close()
  }
}
