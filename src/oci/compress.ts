import { availableParallelism } from 'node:os'
import { pipeline, Readable } from 'node:stream'
import { constants, createZstdCompress } from 'node:zlib'
import { CompressPool } from './compress-pool.ts'
import type { LayerCompression } from './layer-type.ts'

export interface CompressOptions {
  readonly compression: LayerCompression
  readonly signal?: AbortSignal
  /** Threads for gzip; by default one a core, at most 8. The bytes are the same with any number. */
  readonly threads?: number
}

/**
 * The pieces (each a list of chunks, in order) compressed.
 *
 * `gzip`: every piece is a gzip member of its own (RFC 1952, section 2.2), without name or time, made by libdeflate in
 * WebAssembly: the same bytes on every machine, which Node's own zlib does not promise. Members are made in parallel and
 * come in order. `zstd`: one frame by Node's zlib at level 3, with a checksum; its bytes may differ from one Node to
 * another, so only gzip gives the same digest everywhere. `none`: the bytes as they are.
 *
 * Memory is bounded: two pieces a thread. Threads end with the iteration, however it ends, and never keep the process.
 *
 * @throws the signal's reason on abort; whatever `pieces` throws
 */
export function compressPieces(
  pieces: AsyncIterable<readonly Uint8Array[]>,
  { compression, signal, threads }: CompressOptions,
): AsyncIterable<Uint8Array> {
  if (compression === 'gzip') return gzipMembers(pieces, signal, threads ?? Math.min(availableParallelism(), 8))
  const bytes = flattened(pieces, signal)
  return compression === 'zstd' ? zstdFrame(bytes) : bytes
}

async function* gzipMembers(
  pieces: AsyncIterable<readonly Uint8Array[]>,
  signal: AbortSignal | undefined,
  threads: number,
): AsyncGenerator<Uint8Array> {
  const pool = new CompressPool(threads)
  const abort = () => pool.fail(signal?.reason)
  signal?.addEventListener('abort', abort)
  const inFlight: Promise<Uint8Array>[] = []
  const source = pieces[Symbol.asyncIterator]()
  try {
    let more = true
    let count = 0
    while (more || inFlight.length > 0) {
      signal?.throwIfAborted()
      while (more && inFlight.length < 2 * threads) {
        const next = await source.next()
        more = next.done !== true
        // An empty file is no gzip stream: nothing at all becomes one empty member.
        if (next.done !== true || count === 0) inFlight.push(pool.compress(next.value ?? []))
        count++
      }
      const first = inFlight.shift()
      if (first !== undefined) yield await first
    }
  } finally {
    signal?.removeEventListener('abort', abort)
    await pool.close()
    await source.return?.()
  }
}

async function* flattened(
  pieces: AsyncIterable<readonly Uint8Array[]>,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array> {
  for await (const piece of pieces) {
    signal?.throwIfAborted()
    yield* piece
  }
}

async function* zstdFrame(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const engine = createZstdCompress({
    chunkSize: 1 << 20,
    params: { [constants.ZSTD_c_compressionLevel]: 3, [constants.ZSTD_c_checksumFlag]: 1 },
  })
  // The error reaches whoever iterates, because pipeline destroys the engine with it.
  yield* pipeline(Readable.from(bytes), engine, () => {})
}
