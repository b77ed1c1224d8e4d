import { OcibakeError } from '../errors.ts'
import type { ByteString } from './name.ts'
import type { PaxRecords } from './pax.ts'
import { numberAt } from './tar-decode.ts'
import type { DataExtent } from './tar-entry.ts'
import { BLOCK } from './tar-header.ts'
import { readDecimal } from './tar-number.ts'

/**
 * GNU tar's sparse files: only the parts that are no holes are in the archive, behind a map that says where they go.
 * Four formats: the old one with flag 'S' has the map in the header and in blocks after it, PAX 0.0 and 0.1 have it in
 * records, PAX 1.0 as text at the start of the data.
 * Source: GNU tar manual, "Sparse Formats"; read as Go's archive/tar does.
 */
export type SparseMap = { at: number; size: number }[]

/** A map takes at most this many bytes of an archive, as in Go and libarchive: 64-bit claims must not cost memory. */
const MAP_LIMIT = 1 << 20
/** What no file is larger than; for less than that it is TarScanner that weighs holes against the archive. */
const SIZE_LIMIT = 2 ** 40

/** What the records say of a sparse file. `map` is absent for format 1.0, which has it in the data. */
export interface PaxSparse {
  readonly name: ByteString | undefined
  readonly size: number | undefined
  readonly map: SparseMap | undefined
}

/** The sparse file that PAX records describe, or undefined when they describe none. @throws ARCHIVE_INVALID */
export function paxSparse(records: PaxRecords): PaxSparse | undefined {
  if (records.size === 0) return undefined
  const text = (key: string) => records.get(`GNU.sparse.${key}`)?.toString('latin1') ?? ''
  const version = `${text('major')}.${text('minor')}`
  const inRecords = version === '0.0' || version === '0.1' || (version === '.' && text('map') !== '')
  if (!inRecords && version !== '1.0') return undefined
  const size = text('size') || text('realsize')
  const name = text('name')
  if (name.includes('\0')) throw invalid('its sparse name has a NUL')
  return {
    name: name === '' ? undefined : name,
    size: size === '' ? undefined : decimal(size),
    map: inRecords ? mapOf(decimal(text('numblocks')), text('map') === '' ? [] : text('map').split(',')) : undefined,
  }
}

function mapOf(count: number, numbers: readonly string[]): SparseMap {
  if (numbers.length !== 2 * count) throw invalid(`its sparse map has ${numbers.length} numbers; wanted ${2 * count}`)
  return Array.from({ length: count }, (_, i) => ({ at: decimal(numbers[2 * i]!), size: decimal(numbers[2 * i + 1]!) }))
}

function decimal(text: string): number {
  const value = readDecimal(text)
  if (value === undefined) throw invalid('its sparse map has something that is no number')
  return value
}

/** The map of format 1.0: decimal numbers, a line each, the first one how many pairs follow, padded to whole blocks. */
export class SparseText {
  #lines: string[] = []
  #rest = ''
  #bytes = 0

  /** Takes the next 512 bytes; the map once it is whole. @throws ARCHIVE_INVALID */
  push(block: Buffer): SparseMap | undefined {
    this.#bytes += BLOCK
    if (this.#bytes > MAP_LIMIT) throw invalid(`its sparse map is larger than ${MAP_LIMIT} bytes`)
    const lines = (this.#rest + block.toString('latin1')).split('\n')
    this.#rest = lines.pop()!
    for (const line of lines) this.#lines.push(line)
    // No number is longer; without this, one endless line would be copied at every block.
    if (this.#rest.length > BLOCK) throw invalid('its sparse map has something that is no number')
    const [first] = this.#lines
    if (first === undefined) return undefined
    const count = decimal(first)
    if (count < 0) throw invalid('its sparse map has a negative length')
    if (this.#lines.length > 2 * count) return mapOf(count, this.#lines.slice(1, 2 * count + 1))
    return undefined
  }
}

/** The map of an old GNU sparse header: 4 pairs in the header, 21 in each block that follows it. */
export class SparseBlocks {
  readonly map: SparseMap = []
  #bytes = 0

  /** Takes the header block or the next block after it; whether another one follows. @throws ARCHIVE_INVALID */
  push(block: Buffer): boolean {
    const [start, count] = this.#bytes === 0 ? [386, 4] : [0, 21]
    this.#bytes += BLOCK
    if (this.#bytes > MAP_LIMIT) throw invalid(`its sparse map is larger than ${MAP_LIMIT} bytes`)
    for (let at = start; at < start + 24 * count && block[at] !== 0; at += 24) {
      this.map.push({ at: numberAt(block, at, 12, 'sparse map'), size: numberAt(block, at + 12, 12, 'sparse map') })
    }
    return block[start + 24 * count] !== 0
  }
}

/** The size that an old GNU sparse header gives to the file, holes included. @throws ARCHIVE_INVALID */
export function oldSparseSize(header: Buffer): number {
  return numberAt(header, 483, 12, 'sparse size')
}

/**
 * Where the parts of a sparse file of `size` bytes are, when `stored` bytes from `offset` are its data.
 * @throws ARCHIVE_INVALID for parts out of order, beyond the end, or not of exactly `stored` bytes together
 */
export function sparseExtents(map: SparseMap, size: number, offset: number, stored: number): DataExtent[] {
  if (size < 0 || size > SIZE_LIMIT) throw invalid(`its sparse size is ${size}; at most ${SIZE_LIMIT} is read`)
  const extents: DataExtent[] = []
  let end = 0
  let used = 0
  for (const part of map) {
    if (part.at < end || part.size < 0 || part.at > size - part.size) {
      throw invalid(`its sparse map puts ${part.size} bytes at ${part.at} of ${size}, behind ${end}`)
    }
    if (part.size > 0) extents.push({ at: part.at, offset: offset + used, size: part.size })
    end = part.at + part.size
    used += part.size
  }
  if (used !== stored) throw invalid(`its sparse map has ${used} bytes of data; the archive has ${stored}`)
  return extents
}

function invalid(fault: string): OcibakeError {
  return new OcibakeError('ARCHIVE_INVALID', fault)
}
