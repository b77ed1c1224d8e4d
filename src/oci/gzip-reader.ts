import { BlockRecorder } from './block-recorder.ts'
import { MOST_HEADER } from './deflate-header.ts'
import { FileChecks } from './file-checks.ts'
import { FINAL, FIRST, type GzipBlocks, STORED } from './gzip-blocks.ts'
import { gzipHeaderSize } from './gzip-header.ts'
import { Inflater, SLACK, WINDOW } from './inflater.ts'

const TRAILER = 8
/** What comes next in the file. */
type Stage = 'member' | 'block' | 'symbols' | 'trailer' | 'padding' | 'damaged'

/**
 * Inflates a gzip file of any number of members, and finds its blocks. Source: RFC 1951, RFC 1952.
 */
export class GzipReader {
  /** Why this is no gzip file, or more than one: what is not whole, or not padding of zeros, says so here. */
  fault: string | undefined
  readonly #inflater: Inflater
  /** Bytes of the file in the inflater's input, and where in the file they begin. */
  #filled = 0
  #origin = 0
  #ended = false
  #stage: Stage = 'member'
  readonly #checks = new FileChecks()
  readonly #blocks = new BlockRecorder()
  #isFirst = false
  /** Of the block at hand. */
  #isFinal = false

  /** @param inflater gets what the file holds; one that checks has members checked, too */
  constructor(inflater: Inflater = new Inflater()) {
    this.#inflater = inflater
  }

  /** The file's next bytes, of any number; they are not needed after the call. */
  push(chunk: Uint8Array): void {
    this.#checks.push(chunk)
    for (let at = 0; at < chunk.byteLength; ) {
      if (this.#stage === 'damaged') return
      if (this.#stage === 'padding') {
        this.#checkPadding(chunk.subarray(at))
        return
      }
      const part = chunk.subarray(at, at + WINDOW - this.#filled)
      this.#inflater.input.set(part, this.#filled)
      this.#filled += part.byteLength
      at += part.byteLength
      if (this.#filled === WINDOW) this.#scan()
    }
  }

  /** The blocks, after the file's last byte; undefined when there are too many, or a `fault` says that it is no whole file. */
  end(): GzipBlocks | undefined {
    this.#ended = true
    this.#inflater.input.fill(0, this.#filled, this.#filled + SLACK)
    this.#scan()
    return this.#stage === 'padding' ? this.#blocks.finish(this.#checks.soFar()) : undefined
  }

  /** Goes as far as the bytes that are there reach, and drops those that it is done with. */
  #scan(): void {
    while (this.#step()) {
      if (this.#inflater.bit > 8 * this.#filled) this.#fail('unexpected end of file')
    }
    if (this.#stage === 'damaged') return
    const { input } = this.#inflater
    const done = this.#inflater.bit >>> 3
    if (this.#stage === 'padding') this.#checkPadding(input.subarray(done, this.#filled))
    // A header of gzip that is as long as this is no file's name.
    else if (this.#ended || done === 0) {
      this.#fail(this.#ended ? 'unexpected end of file' : 'a header without end')
      return
    }
    input.copyWithin(0, done, this.#filled)
    this.#filled -= done
    this.#origin += done
    this.#inflater.bit &= 7
  }

  #checkPadding(bytes: Uint8Array): void {
    if (bytes.some((byte) => byte !== 0)) this.fault ??= 'something follows its last member'
  }

  /** Takes one step; false when it needs more bytes, or nothing follows. */
  #step(): boolean {
    switch (this.#stage) {
      case 'member':
        return this.#member()
      case 'block':
        return this.#block()
      case 'symbols':
        return this.#symbols()
      case 'trailer':
        return this.#trailer()
      default:
        return false
    }
  }

  #member(): boolean {
    const at = this.#inflater.bit >>> 3
    const size = gzipHeaderSize(this.#inflater.input.subarray(at, this.#filled))
    if (size === 'more') {
      if (this.#ended && at === this.#filled && this.#blocks.count > 0) this.#stage = 'padding'
      return false
    }
    if (size === undefined) return this.#blocks.count > 0 ? this.#to('padding') : this.#fail('incorrect header')
    this.#inflater.bit += 8 * size
    this.#inflater.begin()
    this.#isFirst = true
    return this.#to('block')
  }

  #block(): boolean {
    const { bit, input } = this.#inflater
    if (!this.#has(MOST_HEADER)) return false
    const header = (input[bit >>> 3]! | (input[(bit >>> 3) + 1]! << 8)) >> (bit & 7)
    const type = (header >> 1) & 3
    if (type === 3) return this.#damaged('invalid block type')
    const flags = (header & 1 ? FINAL : 0) | (this.#isFirst ? FIRST : 0)
    if (type === 0) return this.#stored(flags | STORED)
    const after = type === 2 ? this.#inflater.readCodes(bit + 3) : this.#fixed(bit + 3)
    if (after === undefined) return this.#damaged('invalid codes')
    this.#begin(flags)
    this.#inflater.bit = after
    return this.#to('symbols')
  }

  #fixed(bit: number): number {
    this.#inflater.setFixed()
    return bit
  }

  #stored(flags: number): boolean {
    const { bit, view } = this.#inflater
    const at = (bit + 3 + 7) >>> 3
    const size = view.getUint16(at, true)
    if ((size ^ view.getUint16(at + 2, true)) !== 0xffff) return this.#damaged('invalid stored block')
    const end = at + 4 + size
    if (end > this.#filled) return this.#ended && this.#fail('unexpected end of file')
    this.#begin(flags)
    this.#inflater.stored(at + 4, size)
    this.#inflater.bit = 8 * end
    return this.#finish()
  }

  #symbols(): boolean {
    // At the end, far enough that a last symbol's last bits are looked at.
    const stop = this.#inflater.symbols(this.#ended ? this.#filled + SLACK / 8 : this.#filled)
    if (stop === 'invalid') return this.#damaged('invalid data')
    return stop === 'end' && this.#finish()
  }

  #trailer(): boolean {
    const { bit, view, checks } = this.#inflater
    const at = (bit + 7) >>> 3
    if (!this.#has(TRAILER + 1)) return false
    const { crc, size } = this.#inflater.flush()
    this.#inflater.bit = 8 * (at + TRAILER)
    if (checks && at + TRAILER <= this.#filled) {
      if (view.getUint32(at, true) !== crc) return this.#fail('incorrect data check')
      if (view.getUint32(at + 4, true) !== size % 2 ** 32) return this.#fail('incorrect length check')
    }
    return this.#to('member')
  }

  #begin(flags: number): void {
    this.#isFirst = false
    this.#isFinal = (flags & FINAL) !== 0
    this.#blocks.begin(this.#position(), flags)
  }

  #finish(): boolean {
    this.#blocks.end(this.#position(), this.#inflater.size)
    // Nobody wants anything but the blocks.
    if (this.#blocks.isTooMany && !this.#inflater.checks) return this.#fail('too many blocks')
    return this.#to(this.#isFinal ? 'trailer' : 'block')
  }

  /** The next bit of the file. */
  #position(): number {
    return 8 * this.#origin + this.#inflater.bit
  }

  #has(size: number): boolean {
    return this.#ended || (this.#inflater.bit >>> 3) + size <= this.#filled
  }

  #to(stage: Stage): true {
    this.#stage = stage
    return true
  }

  /** As `#fail`, when it was bits that said so: those that a file does not have any more are zeros. */
  #damaged(why: string): false {
    const isCut = this.#ended && this.#inflater.bit + 8 * MOST_HEADER > 8 * this.#filled
    return this.#fail(isCut ? 'unexpected end of file' : why)
  }

  #fail(why: string): false {
    this.fault ??= why
    this.#stage = 'damaged'
    return false
  }
}
