import { OcibakeError } from '../errors.ts'
import { ByteSteps } from './byte-steps.ts'
import { EXPANSION_FREE, EXPANSION_RATIO, isBomb } from './expansion.ts'
import { type ByteString, display } from './name.ts'
import { parsePax } from './pax.ts'
import { decodeHeader, isZeroBlock, type TarHeader } from './tar-decode.ts'
import type { DataExtent, TarEntry } from './tar-entry.ts'
import { BLOCK, paddingSize } from './tar-header.ts'
import { extended, type Member, memberName, mergeMember, NO_EXTENSIONS } from './tar-member.ts'
import { oldSparseSize, paxSparse, SparseBlocks, type SparseMap, SparseText, sparseExtents } from './tar-sparse.ts'

export type { DataExtent, EntryType, TarEntry } from './tar-entry.ts'

/** A PAX header or long name is at most this long, as in Go and libarchive. */
const META_LIMIT = 1 << 20

export interface TarEndOptions {
  readonly padded?: boolean
}

/**
 * Finds the members of a tar archive (v7, ustar, PAX, GNU, star) in chunks of any length, so that the pass that stores
 * or hashes an archive also indexes it. Memory is bounded: bodies are passed over, extended headers limited.
 *
 * Reads what Go's archive/tar reads, or refuses; so every reader that counts sees the same members. Global PAX headers
 * are checked and have no effect. The first two blocks of zeros end the archive; what follows is taken and ignored.
 * After an error the scanner is not to be used any more.
 */
export class TarScanner {
  #found: TarEntry[] = []
  readonly #steps = new ByteSteps()
  /** Of the header at hand, for errors: where it starts, whose it is. */
  #start = 0
  #name: ByteString = ''
  #extensions = NO_EXTENSIONS
  /** Bytes of holes so far. */
  #holes = 0
  /** The member whose bytes are passing. */
  #entry: TarEntry | undefined
  /** How much of what is to pass is mere padding. */
  #padding = 0
  // Made once: an archive may have half a million members.
  readonly #header = (block: Buffer) => this.#readHeader(block)
  readonly #passed = () => this.#endMember()

  constructor() {
    this.#expectHeader()
  }

  /**
   * Takes the next bytes; returns the members whose last byte has now passed, in order. Offsets in them count from the
   * first byte ever pushed.
   * @throws ARCHIVE_INVALID, and ARCHIVE_UNSAFE for gigabytes of holes, naming the byte at which the member's header
   * starts, and the member
   */
  push(chunk: Uint8Array): TarEntry[] {
    return this.#placed(() => this.#steps.push(chunk))
  }

  /**
   * Says that there are no more bytes. Returns the last member when only its padding is missing, which Go allows and GNU
   * tar does not.
   * @param padded the last member must have all its padding
   * @throws ARCHIVE_INVALID when the archive stops in the middle of a member
   */
  end({ padded = false }: TarEndOptions = {}): TarEntry[] {
    return this.#placed(() => {
      const steps = this.#steps
      if (steps.stopped) return
      if (!padded && this.#entry !== undefined && steps.left <= this.#padding) this.#found.push(this.#entry)
      else if (!steps.atBoundary) throw invalid(`the archive ends in the middle of it, after ${steps.offset} bytes`)
      this.#finish()
    })
  }

  #placed(scan: () => void): TarEntry[] {
    this.#found = []
    try {
      scan()
    } catch (error) {
      if (!(error instanceof OcibakeError)) throw error
      const member = this.#name === '' ? '' : ` (member '${display(this.#name.slice(0, 200))}')`
      const message = `The tar archive is broken at byte ${this.#start}${member}: ${error.message}.`
      throw new OcibakeError(error.code, message, { hint: error.hint!, cause: error })
    }
    return this.#found
  }

  #expectHeader(): void {
    this.#entry = undefined
    this.#steps.gather(BLOCK, this.#header, true)
  }

  #readHeader(block: Buffer): void {
    this.#start = this.#steps.offset - BLOCK
    this.#name = ''
    if (isZeroBlock(block)) {
      this.#steps.gather(BLOCK, (second) => this.#readSecondZero(second), true)
      return
    }
    const header = decodeHeader(block)
    this.#name = header.name
    if (header.size < 0 && !'123456'.includes(header.flag)) throw invalid(`its size is ${header.size}`)
    if ('xgLK'.includes(header.flag)) this.#readExtension(header)
    else this.#readMember(header, block)
  }

  #readSecondZero(block: Buffer): void {
    if (!isZeroBlock(block))
      throw invalid('there is one block of zeros; wanted a header, or two blocks that end it all')
    this.#finish()
  }

  #finish(): void {
    if (this.#extensions !== NO_EXTENSIONS) throw invalid('it is an extended header without a member behind it')
    this.#steps.stop()
  }

  #readExtension({ flag, size }: TarHeader): void {
    if (size > META_LIMIT) throw invalid(`its extended header has ${size} bytes; at most ${META_LIMIT} are read`)
    this.#steps.gather(size, (bytes) => {
      // A copy, because the records live on until the member's own header came, and the chunk is the caller's.
      const body = Buffer.from(bytes)
      if (flag !== 'g') this.#extensions = extended(this.#extensions, flag, body)
      else {
        // Go forgets the extended headers before a global one, GNU tar does not: two archives in one.
        if (this.#extensions !== NO_EXTENSIONS) throw invalid('a global header parts a member from its extended header')
        parsePax(body)
      }
      this.#steps.skip(paddingSize(size), () => this.#expectHeader())
    })
  }

  #readMember(header: TarHeader, block: Buffer): void {
    const { pax } = this.#extensions
    this.#name = memberName(header, this.#extensions)
    const member = mergeMember(header, this.#extensions)
    this.#extensions = NO_EXTENSIONS
    if (header.flag === 'S') {
      // Star has an 'S' too, with another map.
      if (header.format !== 'gnu') throw invalid('it is a sparse file of another format than GNU tar has')
      this.#readSparseBlocks({ ...member, size: oldSparseSize(block) }, new SparseBlocks(), block)
      return
    }
    const sparse = paxSparse(pax)
    if (sparse === undefined) {
      this.#pass(member, plainExtents(member.stored, this.#steps.offset), member.stored)
      return
    }
    if (member.type !== 'file') throw invalid(`it is a ${member.type} with a sparse map`)
    const named = { ...member, path: sparse.name ?? member.path, size: sparse.size ?? member.size }
    if (sparse.map === undefined) this.#readSparseText(named, new SparseText(), member.stored)
    else this.#passSparse(named, sparse.map, member.stored)
  }

  #readSparseBlocks(member: Member, blocks: SparseBlocks, block: Buffer): void {
    if (blocks.push(block)) this.#steps.gather(BLOCK, (next) => this.#readSparseBlocks(member, blocks, next))
    else this.#passSparse(member, blocks.map, member.stored)
  }

  #readSparseText(member: Member, text: SparseText, stored: number): void {
    if (stored < BLOCK) throw invalid('its data ends in the middle of its sparse map')
    this.#steps.gather(BLOCK, (block) => {
      const map = text.push(block)
      if (map === undefined) this.#readSparseText(member, text, stored - BLOCK)
      else this.#passSparse(member, map, stored - BLOCK)
    })
  }

  #passSparse(member: Member, map: SparseMap, stored: number): void {
    const { offset } = this.#steps
    const extents = sparseExtents(map, member.size, offset, stored)
    // All the zeros get into the squashed layer.
    this.#holes += member.size - stored
    if (isBomb(offset, this.#holes)) throw bomb(offset, this.#holes)
    this.#pass(member, extents, stored)
  }

  /** Lets `stored` bytes of data and their padding go by, and then has found the member. */
  #pass(member: Member, data: readonly DataExtent[], stored: number): void {
    const { path, type, mode, uid, gid, mtime, size, target, major, minor, xattrs } = member
    this.#entry = { path, type, mode, uid, gid, mtime, size, target, major, minor, xattrs, data }
    this.#padding = paddingSize(stored)
    this.#steps.skip(stored + this.#padding, this.#passed)
  }

  #endMember(): void {
    this.#found.push(this.#entry!)
    this.#expectHeader()
  }
}

const NO_DATA: readonly DataExtent[] = []

function plainExtents(size: number, offset: number): readonly DataExtent[] {
  return size === 0 ? NO_DATA : [{ at: 0, offset, size }]
}

function bomb(from: number, holes: number): OcibakeError {
  const limit = `at most ${EXPANSION_RATIO} times as many are accepted above ${EXPANSION_FREE}`
  return new OcibakeError('ARCHIVE_UNSAFE', `there are ${holes} bytes of holes in ${from} bytes of archive; ${limit}`, {
    hint: 'If it is meant to be so, write the archive without --sparse.',
  })
}

function invalid(fault: string): OcibakeError {
  return new OcibakeError('ARCHIVE_INVALID', fault)
}
