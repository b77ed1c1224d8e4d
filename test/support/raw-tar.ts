import type { TarEntry } from '../../src/oci/tar-entry.ts'
import { BLOCK, END_OF_ARCHIVE, padding, sumOf } from '../../src/oci/tar-header.ts'
import { TarScanner } from '../../src/oci/tar-scan.ts'
import type { Random } from './random-tree.ts'

/** A header block made field by field, so that a test can have what no honest writer would write. */
export interface RawHeader {
  name?: string
  flag?: string
  size?: number | string
  mode?: string
  uid?: string
  gid?: string
  mtime?: string
  target?: string
  magic?: string
  /** More bytes at an offset. */
  at?: readonly (readonly [offset: number, bytes: string])[]
  checksum?: string
}

export function rawHeader(raw: RawHeader): Buffer {
  const block = Buffer.alloc(BLOCK)
  const size = raw.size ?? 0
  block.write(raw.name ?? 'x', 0, 'latin1')
  block.write(raw.mode ?? '0000644\0', 100, 'latin1')
  block.write(raw.uid ?? '0000000\0', 108, 'latin1')
  block.write(raw.gid ?? '0000000\0', 116, 'latin1')
  block.write(typeof size === 'string' ? size : `${size.toString(8).padStart(11, '0')}\0`, 124, 'latin1')
  block.write(raw.mtime ?? '00000000000\0', 136, 'latin1')
  block.write(raw.flag ?? '0', 156, 'latin1')
  block.write(raw.target ?? '', 157, 'latin1')
  block.write(raw.magic ?? 'ustar\x0000', 257, 'latin1')
  for (const [offset, bytes] of raw.at ?? []) block.write(bytes, offset, 'latin1')
  block.write(raw.checksum ?? `${sumOf(block).toString(8).padStart(6, '0')}\0 `, 148, 'latin1')
  return block
}

/** A member: its header, its bytes and their padding. The header's size is the body's unless it says otherwise. */
export function rawMember(raw: RawHeader, body: string | Uint8Array = ''): Buffer {
  const bytes = typeof body === 'string' ? Buffer.from(body, 'latin1') : body
  return Buffer.concat([rawHeader({ size: bytes.length, ...raw }), bytes, padding(bytes.length)])
}

/** A PAX header with these records; a key may come more than once. */
export function rawPax(records: readonly (readonly [string, string])[], flag = 'x'): Buffer {
  const body = records.map(([key, value]) => {
    const rest = key.length + value.length + 3
    let length = rest + 1
    while (length !== rest + String(length).length) length = rest + String(length).length
    return `${length} ${key}=${value}\n`
  })
  return rawMember({ name: 'PaxHeaders/x', flag }, body.join(''))
}

export function archive(...members: Uint8Array[]): Buffer {
  return Buffer.concat([...members, END_OF_ARCHIVE])
}

/** All members of an archive, given to the scanner as one chunk or, with a generator, cut at random places. */
export function scan(bytes: Uint8Array, random?: Random): TarEntry[] {
  const scanner = new TarScanner()
  const found: TarEntry[] = []
  for (let at = 0; at < bytes.length; ) {
    const upTo = random === undefined ? bytes.length : at + 1 + random.below(random.pick([2, 100, 512, 513, 4000]))
    // The chunk is wiped afterwards, as a caller may who reads into one buffer: nothing may look at it again.
    const chunk = Uint8Array.prototype.slice.call(bytes, at, upTo)
    found.push(...scanner.push(chunk))
    chunk.fill(0xee)
    at = upTo
  }
  found.push(...scanner.end())
  return found
}

/** The bytes of a file of an archive that is in memory, holes filled. */
export function contentOf(bytes: Uint8Array, entry: TarEntry): Buffer {
  const content = Buffer.alloc(entry.size)
  for (const { at, offset, size } of entry.data) content.set(bytes.subarray(offset, offset + size), at)
  return content
}
