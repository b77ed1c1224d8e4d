import { pipeline, Readable } from 'node:stream'
import { constants, createZstdCompress } from 'node:zlib'

/**
 * The bytes as one zstd frame by Node's zlib at level 3, with a checksum. They may differ from one Node to another, so
 * only gzip gives the same digest everywhere. @throws whatever `bytes` throws
 */
export async function* zstdFrame(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const engine = createZstdCompress({
    chunkSize: 1 << 20,
    params: { [constants.ZSTD_c_compressionLevel]: 3, [constants.ZSTD_c_checksumFlag]: 1 },
  })
  // The error reaches whoever iterates, because pipeline destroys the engine with it.
  yield* pipeline(Readable.from(bytes), engine, () => {})
}
