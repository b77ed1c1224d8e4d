import { FIRST, type GzipBlocks } from '../../src/oci/gzip-blocks.ts'
import type { Random } from './random-tree.ts'

/** Deflate blocks of so many raw bytes, that end anywhere; of what they are compressed nothing is said. */
export function randomBlocks(random: Random, size: number): GzipBlocks {
  const raw = [0]
  while (raw.at(-1)! < size) {
    raw.push(Math.min(size, raw.at(-1)! + (random.chance(20) ? 0 : random.below(60 * 1024))))
  }
  const count = raw.length - 1
  const flags = Uint8Array.from({ length: count }, (_, i) => (i === 0 || random.chance(40) ? FIRST : 0))
  const start = Float64Array.from({ length: count }, (_, i) => i * 1000)
  return {
    ...{ count, raw: Float64Array.from(raw), start, end: start.map((bit) => bit + 1000) },
    ...{ flags, checks: new Uint32Array() },
  }
}
