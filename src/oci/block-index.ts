import { decodeBlobIndex, encodeBlobIndex } from './blob-index.ts'
import { ByteReader } from './byte-reader.ts'
import { ByteWriter } from './byte-writer.ts'
import type { Digest } from './digest.ts'
import type { GzipBlocks } from './gzip-blocks.ts'

/** Goes up whenever the format or what GzipReader finds in the same bytes changes; others are not read. */
const VERSION = 'blocks 1'

/** What a look at a blob has found; 'none': it is no gzip file, or one of which no block can be used. */
export type FoundBlocks = GzipBlocks | 'none'

/** An index of the deflate blocks of one blob, five to ten bytes a block: numbers as their distance from the last. */
export function encodeBlocks(blob: Digest, blocks: FoundBlocks): Buffer {
  return encodeBlobIndex(VERSION, blob, blocks === 'none' ? Buffer.alloc(0) : bodyOf(blocks))
}

/**
 * What an index says; undefined for one of another version.
 * @throws STORE_CORRUPT for bytes that `encodeBlocks` did not write for this blob
 */
export function decodeBlocks(bytes: Buffer, blob: Digest): FoundBlocks | undefined {
  const body = decodeBlobIndex(bytes, VERSION, blob, 'blocks')
  if (body === undefined) return undefined
  return body.byteLength === 0 ? 'none' : blocksIn(new ByteReader(body))
}

function bodyOf({ count, raw, start, end, flags, checks }: GzipBlocks): Buffer {
  const writer = new ByteWriter()
  writer.number(count)
  writer.number(checks.length)
  let [byte, bit] = [0, 0]
  for (let i = 0; i < count; i++) {
    writer.number(raw[i]! - byte)
    writer.number(start[i]! - bit)
    writer.number(end[i]! - start[i]!)
    byte = raw[i]!
    bit = end[i]!
  }
  writer.number(raw[count]! - byte)
  writer.bytes(flags)
  for (const check of checks) writer.number(check)
  return Buffer.concat(writer.finish())
}

function blocksIn(reader: ByteReader): GzipBlocks {
  const count = reader.number()
  const checks = new Uint32Array(reader.number())
  const raw = new Float64Array(count + 1)
  const start = new Float64Array(count)
  const end = new Float64Array(count)
  let [byte, bit] = [0, 0]
  for (let i = 0; i < count; i++) {
    raw[i] = byte += reader.number()
    start[i] = bit += reader.number()
    end[i] = bit += reader.number()
  }
  raw[count] = byte + reader.number()
  const flags = Uint8Array.from(reader.bytes())
  for (let i = 0; i < checks.length; i++) checks[i] = reader.number()
  return { count, raw, start, end, flags, checks }
}
