import { copyBits } from './copy-bits.ts'
import { FINAL, type GzipBlocks, STORED } from './gzip-blocks.ts'

/** Consecutive blocks of a gzip file, of one member or several; plain data, which can go to another thread. */
export interface BlockPart extends BlockColumns {
  /** The file's bytes from `origin` on, all bits of the blocks among them. */
  readonly bytes: Uint8Array
  readonly origin: number
}

/** As in `GzipBlocks`, of the part's blocks alone. */
export type BlockColumns = Pick<GzipBlocks, 'start' | 'end' | 'flags'>

const HEADER_BITS = 3
/** What follows the header of a stored block without data, from the next byte on: its size, and that again inverted. */
const NO_DATA = [0, 0, 0xff, 0xff]

/** The bytes that `copyBlocks` writes, exactly. */
export function copiedSize(blocks: BlockColumns): number {
  let bit = 0
  for (let i = 0; i < blocks.flags.length; i++) {
    const from = contentStart(blocks, i)
    bit = (isStored(blocks, i) ? afterHeader(bit) : bit) + blocks.end[i]! - from
  }
  return afterHeader(bit) / 8 + NO_DATA.length
}

/**
 * Writes the blocks into `into`, from byte `at` on, as a part of a deflate stream that begins and ends with a byte and that
 * is to go on: none of the blocks ends the stream any more, and after them comes an empty stored one. They refer to the
 * same 32 KiB of raw data before them as ever. Source: RFC 1951, section 3.2.3 and 3.2.4.
 * @returns the bytes written, which are `copiedSize(part)`
 */
export function copyBlocks(part: BlockPart, into: Uint8Array, at: number): number {
  let bit = 8 * at
  for (let i = 0; i < part.flags.length; i++) {
    const from = contentStart(part, i)
    const count = part.end[i]! - from
    if (isStored(part, i)) bit = writeStoredHeader(into, bit)
    copyBits(part.bytes, from - 8 * part.origin, count, into, bit)
    if (!isStored(part, i) && (part.flags[i]! & FINAL) !== 0) into[Math.floor(bit / 8)]! &= ~(1 << (bit & 7))
    bit += count
  }
  const end = writeStoredHeader(into, bit) / 8
  into.set(NO_DATA, end)
  return end + NO_DATA.length - at
}

function isStored({ flags }: BlockColumns, i: number): boolean {
  return (flags[i]! & STORED) !== 0
}

/** Where the bits begin that are copied as they are: a stored block's header is made anew, for it depends on its place. */
function contentStart(blocks: BlockColumns, i: number): number {
  return isStored(blocks, i) ? afterHeader(blocks.start[i]!) : blocks.start[i]!
}

/** The first bit after a stored block's header at `bit`. */
function afterHeader(bit: number): number {
  return 8 * Math.ceil((bit + HEADER_BITS) / 8)
}

/** The header of a stored block, not its stream's last one, is zeros; so is what remains of the byte at `bit`. */
function writeStoredHeader(into: Uint8Array, bit: number): number {
  const end = afterHeader(bit)
  into.fill(0, Math.ceil(bit / 8), end / 8)
  return end
}
