import { freeBytes } from '../oci/free-space.ts'

/** Milliseconds between two looks, and how many in a row must find the disk full: what is thrown away comes back. */
const EVERY = 1000
const IN_A_ROW = 3
/** Bytes. Who waits for room leaves what was too little for a last write. */
const NOTHING = 1 << 20

/**
 * A signal that is aborted when a disk stays full: some programs wait for room for ever (apt-get update of Debian 12).
 * @param folders on the disks to watch
 */
export function watchRoom(folders: readonly string[]): { readonly full: AbortSignal } & Disposable {
  const controller = new AbortController()
  let found = 0
  const look = () => {
    const isFull = folders.some((folder) => (freeBytes(folder) ?? Number.POSITIVE_INFINITY) < NOTHING)
    found = isFull ? found + 1 : 0
    if (found === IN_A_ROW) controller.abort()
  }
  const timer = setInterval(look, EVERY).unref()
  return { full: controller.signal, [Symbol.dispose]: () => clearInterval(timer) }
}
