import type { Transform } from 'node:stream'
import { createGunzip, createZstdDecompress } from 'node:zlib'
import { OcibakeError } from '../errors.ts'
import { damagedData } from './damaged-data.ts'
import { checkExpansion } from './expansion.ts'
import { passing } from './passing.ts'

export type Compression = 'gzip' | 'zstd' | 'xz' | 'bzip2' | 'none'

/** How many first bytes `detectCompression` wants to see. */
export const HEAD_BYTES = 6

const MAGIC: readonly (readonly [Compression, readonly number[]])[] = [
  ['gzip', [0x1f, 0x8b]],
  ['zstd', [0x28, 0xb5, 0x2f, 0xfd]],
  ['xz', [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00]],
  ['bzip2', [0x42, 0x5a, 0x68]],
]

/** What the first bytes say; media types and file names are not asked. A zstd stream may begin with a skippable frame. */
export function detectCompression(head: Uint8Array): Compression {
  for (const [name, magic] of MAGIC) if (magic.every((byte, i) => head[i] === byte)) return name
  const skippable = (head[0]! & 0xf0) === 0x50 && head[1] === 0x2a && head[2] === 0x4d && head[3] === 0x18
  return skippable ? 'zstd' : 'none'
}

// Output buffers of 512 KiB inflate nearly twice as fast as the 16 KiB that Node has by default; larger ones cost memory.
const CHUNK = 1 << 19

/**
 * The uncompressed bytes of a gzip, zstd or plain stream; which one is decided by its bytes.
 *
 * Reads `bytes` to their end, through every gzip member and zstd frame. Zero bytes after the last gzip member are padding
 * (tape blocks; gzip(1) accepts them too); anything else there is damage, where gzip(1) warns and Go's reader fails.
 * Memory is bounded whatever the ratio. Errors of `bytes` itself pass through as they are.
 *
 * @param what names the stream in errors
 * @param use 'pass': what was inflated is freed when the second chunk after it comes; see `passing`
 * @throws ARCHIVE_INVALID damaged or cut short, or compressed in another way; ARCHIVE_UNSAFE above both `EXPANSION_FREE`
 * and `EXPANSION_RATIO`
 */
export async function* decompress(
  bytes: AsyncIterable<Uint8Array>,
  what: string,
  use: 'keep' | 'pass' = 'keep',
): AsyncGenerator<Uint8Array> {
  const input = new Input(bytes)
  try {
    const compression = detectCompression(await input.peek(HEAD_BYTES))
    if (compression === 'none') {
      for (let chunk = await input.take(); chunk !== undefined; chunk = await input.take()) yield chunk
      return
    }
    if (compression === 'xz' || compression === 'bzip2') {
      throw new OcibakeError('ARCHIVE_INVALID', `${what} is compressed with ${compression}; wanted gzip, zstd or none.`)
    }
    let written = 0
    const inflated = members(input, compression, what)
    for await (const chunk of use === 'pass' ? passing(inflated) : inflated) {
      written += chunk.byteLength
      checkExpansion(what, input.taken, written)
      yield chunk
    }
  } finally {
    await input.close()
  }
}

async function* members(input: Input, compression: 'gzip' | 'zstd', what: string): AsyncGenerator<Uint8Array> {
  // Node's gunzip goes from member to member by itself; its zstd stops at the end of a frame without a word.
  do {
    yield* oneEngine(input, compression, what)
    if (compression === 'gzip') await onlyZeros(input, what)
  } while ((await input.peek(1)).byteLength > 0)
}

async function* oneEngine(input: Input, compression: 'gzip' | 'zstd', what: string): AsyncGenerator<Uint8Array> {
  const engine: Transform & { readonly bytesWritten?: number } =
    compression === 'gzip' ? createGunzip({ chunkSize: CHUNK }) : createZstdDecompress({ chunkSize: CHUNK })
  const before = input.taken
  let last: Uint8Array = new Uint8Array()
  let failure: { error: unknown } | undefined
  const unused = () => input.taken - before - (engine.bytesWritten ?? 0)
  const feed = async () => {
    for (let chunk = await input.take(); chunk !== undefined; chunk = await input.take()) {
      last = chunk
      const held = chunk
      await new Promise((resolve) => engine.write(held, resolve))
      // It has ended when it did not want all: then gunzip never calls back, and zstd as if nothing were left.
      if (engine.destroyed || unused() > 0) return
    }
    engine.end()
  }
  feed().catch((error: unknown) => {
    failure = { error }
    engine.destroy()
  })
  try {
    for await (const chunk of engine) yield chunk
  } catch (error) {
    if (failure === undefined) throw damagedData(what, compression, input.taken, error)
  } finally {
    engine.destroy()
  }
  if (failure !== undefined) throw failure.error
  if (unused() > 0) input.putBack(last.subarray(last.byteLength - unused()))
}

async function onlyZeros(input: Input, what: string): Promise<void> {
  for (let chunk = await input.take(); chunk !== undefined; chunk = await input.take()) {
    if (chunk.some((byte) => byte !== 0))
      throw damagedData(what, 'gzip', input.taken, 'something follows its last member')
  }
}

/** A stream of chunks from which one may take, look ahead, and give back what was not used. */
class Input {
  readonly #source: AsyncIterator<Uint8Array>
  #ahead: Uint8Array | undefined
  /** Bytes that `take` gave and nobody put back. */
  taken = 0

  constructor(bytes: AsyncIterable<Uint8Array>) {
    this.#source = bytes[Symbol.asyncIterator]()
  }

  /** The next non-empty chunk, or undefined at the end. */
  async take(): Promise<Uint8Array | undefined> {
    let chunk = this.#ahead
    this.#ahead = undefined
    while (chunk === undefined || chunk.byteLength === 0) {
      const next = await this.#source.next()
      if (next.done === true) return undefined
      chunk = next.value
    }
    this.taken += chunk.byteLength
    return chunk
  }

  putBack(chunk: Uint8Array): void {
    this.taken -= chunk.byteLength
    this.#ahead = chunk
  }

  /** The next `size` bytes, fewer at the end; they stay. */
  async peek(size: number): Promise<Uint8Array> {
    let head = new Uint8Array()
    for (let chunk = await this.take(); chunk !== undefined; chunk = await this.take()) {
      head = head.byteLength === 0 ? Buffer.from(chunk) : Buffer.concat([head, chunk])
      if (head.byteLength >= size) break
    }
    if (head.byteLength > 0) this.putBack(head)
    return head.subarray(0, size)
  }

  async close(): Promise<void> {
    await this.#source.return?.()
  }
}
