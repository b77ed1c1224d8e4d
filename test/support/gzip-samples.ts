import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { constants, gzipSync, inflateRawSync } from 'node:zlib'
import { gzip } from 'libdeflate'
import { type BlockPart, copiedSize, copyBlocks } from '../../src/oci/copy-blocks.ts'
import type { GzipBlocks } from '../../src/oci/gzip-blocks.ts'
import { wordy } from './bytes.ts'
import { Random } from './random-tree.ts'

export function noise(random: Random, size: number): Buffer {
  return Buffer.from(Array.from({ length: size }, () => random.below(256)))
}

/** Text, a program, zeros and what cannot be compressed: long enough for many blocks. */
export const RAW = Buffer.concat([
  wordy(new Random(1), 200_000),
  readFileSync(process.execPath).subarray(2 ** 25, 2 ** 25 + 300_000),
  Buffer.alloc(150_000),
  noise(new Random(2), 100_000),
  Buffer.from('the end'),
])

const { Z_HUFFMAN_ONLY, Z_RLE, Z_FIXED, Z_FILTERED } = constants
const STRATEGIES = { Z_HUFFMAN_ONLY, Z_RLE, Z_FIXED, Z_FILTERED }

/** `RAW` as many encoders write it. */
export const SAMPLES: readonly (readonly [name: string, file: Buffer])[] = [
  ...Array.from({ length: 10 }, (_, level) => [`zlib ${level}`, gzipSync(RAW, { level })] as const),
  ...Object.entries(STRATEGIES).map(([name, strategy]) => [name, gzipSync(RAW, { strategy })] as const),
  ['zlib with little memory', gzipSync(RAW, { memLevel: 1 })],
  ...Array.from({ length: 12 }, (_, i) => [`libdeflate ${i + 1}`, Buffer.from(gzip(RAW, i + 1))] as const),
  ...['-1', '-9'].map((level) => [`gzip ${level}`, execFileSync('gzip', [level], { input: RAW })] as const),
  [
    'members',
    Buffer.concat([0, 250_000, 250_000, 600_000].map((at, i, all) => gzipSync(RAW.subarray(at, all[i + 1])))),
  ],
]

/** The blocks from number `from` to before number `to`, with no more of the file than they need. */
export function partOf(file: Uint8Array, blocks: GzipBlocks, from: number, to: number): BlockPart {
  const origin = Math.floor(blocks.start[from]! / 8)
  return {
    bytes: file.subarray(origin, Math.ceil(blocks.end[to - 1]! / 8)),
    origin,
    start: blocks.start.slice(from, to),
    end: blocks.end.slice(from, to),
    flags: blocks.flags.slice(from, to),
  }
}

/** What zlib makes of these blocks alone, given the raw data before them. */
export function inflateBlocks(file: Uint8Array, raw: Buffer, blocks: GzipBlocks, from: number, to: number): Buffer {
  const part = partOf(file, blocks, from, to)
  const stream = Buffer.alloc(copiedSize(part) + 2, 0xff)
  const size = copyBlocks(part, stream, 0)
  stream.set([0x03, 0x00], size)
  const at = blocks.raw[from]!
  const dictionary = raw.subarray(Math.max(0, at - 32768), at)
  return inflateRawSync(stream, dictionary.length > 0 ? { dictionary } : {})
}
