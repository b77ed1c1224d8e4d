import type { OnReadOpts, Socket } from 'node:net'

/** What Node reads at once, too. */
const SIZE = 64 << 10
/** Less is copied: node-fetch keeps what came last, to find the end of a chunked body in two reads. */
const SMALL = 1 << 10

/**
 * Has each socket read into one buffer of its own, again and again, where Node takes a new one for each read: HTTP copies
 * what it needs out of it at once, and what downloads left grew to 50 MB before it was collected. For sockets
 * whose `data` is used up while it is told, as `http.Agent`'s is; while nobody listens, what was read stays as it is.
 * (Node: net, "onread")
 */
export function ownReadBuffer(): OnReadOpts {
  // Node asks for a socket's next buffer right behind each of its reads.
  let next: Uint8Array | undefined
  return {
    buffer() {
      const buffer = next ?? Buffer.allocUnsafeSlow(SIZE)
      next = undefined
      return buffer
    },
    callback(this: Socket, size: number, buffer: Uint8Array) {
      const read = buffer.subarray(0, size)
      const wantsMore = this.push(size < SMALL ? Buffer.from(read) : read)
      if (this.readableLength === 0) next = buffer
      return wantsMore
    },
  } as OnReadOpts
}
