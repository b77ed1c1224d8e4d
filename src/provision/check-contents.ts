import { setImmediate } from 'node:timers/promises'
import { Slice } from '../oci/content.ts'
import type { Tree } from '../oci/node.ts'
import { walk } from '../oci/walk.ts'

/** Bytes that are looked at before others have their turn: a millisecond. */
const AT_ONCE = 2 << 20

/**
 * Looks whether contents that are slices of files are what was written to those.
 * @throws STORE_CORRUPT; the reason of the signal
 */
export async function checkContents(tree: Tree, signal: AbortSignal): Promise<void> {
  let looked = 0
  for (const [, node] of walk(tree)) {
    if (node.kind !== 'file' || !(node.content instanceof Slice)) continue
    const { file, offset, size } = node.content
    for (let done = 0; done < size; done += AT_ONCE) {
      const part = Math.min(AT_ONCE, size - done)
      if (!file.isRight(offset + done, part)) throw await file.damaged()
      looked += part
      if (looked < AT_ONCE) continue
      looked = 0
      await setImmediate()
      signal.throwIfAborted()
    }
  }
}
