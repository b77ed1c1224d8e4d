import type { Digest, Digester } from './digest.ts'
import { type NativeCode, nativeCode } from './native-code.ts'

/** `struct sha256` in native/addon/codec.h: eight words, how many bytes there were, those of them that are no block yet. */
const STATE = { size: 104, count: 32, pending: 40, block: 64 } as const

/** Whether there are resumable digesters here: the processor has the SHA extensions of x86-64, and Node loads addons. */
export function canResumeDigests(): boolean {
  return nativeCode()?.hasSha256 === true
}

/**
 * A running sha256, as `Digester`, that can be kept and gone on with: later, in another thread or process, on another machine.
 * node:crypto copies such a state, but does not give it away.
 */
export class ResumableDigester implements Pick<Digester, keyof Digester> {
  readonly #code: NativeCode
  readonly #state = new Uint8Array(STATE.size)
  size = 0

  /** @throws Error where `canResumeDigests` says that there is none */
  constructor() {
    const code = nativeCode()
    if (code?.hasSha256 !== true) throw new Error('This machine has no resumable sha256.')
    this.#code = code
    code.sha256Start(this.#state)
  }

  /**
   * One that goes on after all that the digester got whose `state` this is; undefined for what is no state, and where
   * `canResumeDigests` says that there is none. A state that was damaged cannot be told from others, and gives a wrong digest:
   * whoever keeps it has to check that.
   */
  static resume(state: Uint8Array): ResumableDigester | undefined {
    const size = sizeIn(state)
    if (size === undefined || !canResumeDigests()) return undefined
    const digester = new ResumableDigester()
    digester.#state.set(state)
    digester.size = size
    return digester
  }

  update(bytes: Uint8Array): void {
    this.#code.sha256Update(this.#state, bytes)
    this.size += bytes.byteLength
  }

  /** All that `resume` needs. The same bytes, however they were cut, give the same state. A copy: more may follow. */
  state(): Uint8Array {
    return this.#state.slice()
  }

  /** That of all so far: more may follow, and it can be asked again. */
  digest(): Digest {
    const digest = Buffer.alloc(32)
    this.#code.sha256End(this.#state, digest)
    return `sha256:${digest.toString('hex')}`
  }
}

/** How many bytes a digester had got that has left this; undefined if none leaves it. */
function sizeIn(state: Uint8Array): number | undefined {
  if (state.byteLength !== STATE.size) return undefined
  const count = new DataView(state.buffer, state.byteOffset).getBigUint64(STATE.count, true)
  const size = Number(count)
  if (!Number.isSafeInteger(size)) return undefined
  const unused = state.subarray(STATE.pending + (size % STATE.block))
  return unused.every((byte) => byte === 0) ? size : undefined
}
