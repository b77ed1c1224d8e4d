import { fastestNeedleTable } from './fastest-needle-table.ts'
import { BEFORE, BEHIND, KEY_FORMATS, KEY_KINDS, type KeyFormat } from './key-formats.ts'
import type { NeedleHit, NeedleTable } from './needle-table.ts'
import { type Needle, needlesOf, type SecretValue, SHORTEST } from './secret-values.ts'

/** What a secret is: one that this build itself uses, or a key that is known by its looks. */
export const SECRET_KINDS = ['credential', ...KEY_KINDS] as const

export type SecretKind = (typeof SECRET_KINDS)[number]

/** A secret in some bytes. */
export interface Found {
  readonly kind: SecretKind
  /** Where it starts, counted from the first byte. */
  readonly at: number
  /** Of a credential: whose it is, and how it is written. Never the value. */
  readonly needle?: Pick<Needle, 'name' | 'form'>
}

/** A range of bytes that stand together: no secret goes across its borders. */
export interface Range {
  readonly start: number
  readonly end: number
}

/** What is looked for. Made once, used for any number of searches. */
export class SecretPatterns {
  readonly needles: readonly Needle[]
  readonly #literals: readonly Uint8Array[]
  #table: NeedleTable | undefined
  /** By the number of a needle of the table, behind those of the values. */
  readonly formats: readonly KeyFormat[]

  /** @param where `base`: keys by their looks are not looked for, and only long values */
  constructor(values: readonly SecretValue[], where: 'news' | 'base') {
    this.needles = needlesOf(values, SHORTEST[where])
    const anchors =
      where === 'base' ? [] : KEY_FORMATS.flatMap((format) => format.anchors.map((text) => ({ format, text })))
    this.formats = anchors.map(({ format }) => format)
    this.#literals = anchors.map(({ text }) => Buffer.from(text))
  }

  /** Of the needles and of what keys have in them; made when it is needed. */
  get table(): NeedleTable {
    this.#table ??= fastestNeedleTable([...this.needles.map(({ bytes }) => bytes), ...this.#literals])
    return this.#table
  }

  get isEmpty(): boolean {
    return this.needles.length === 0 && this.formats.length === 0
  }
}

/** Bytes that are looked through at once. */
const CHUNK = 1 << 20

/**
 * Looks for secrets in bytes that come in chunks of any size: what it finds does not depend on how they are cut. Its
 * memory is a megabyte. For one run of bytes after another, each ended by `end`.
 */
export class SecretSearch {
  readonly #patterns: SecretPatterns
  readonly #buffer = Buffer.allocUnsafeSlow(CHUNK + BEFORE + BEHIND)
  /** What is between ranges is nobody's; undefined: all is one. */
  readonly #rangeAt: (at: number) => Range | undefined
  /** In the buffer: how far it is filled, and up to where it was looked through. */
  #filled = 0
  #done = 0
  /** Of the buffer's first byte, counted from the first of all. */
  #start = 0
  #found: Found[] = []

  constructor(patterns: SecretPatterns, rangeAt: (at: number) => Range | undefined = everything) {
    this.#patterns = patterns
    this.#rangeAt = rangeAt
  }

  push(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.byteLength; ) {
      const { space } = this
      const part = bytes.subarray(at, at + space.byteLength)
      space.set(part)
      this.filled(part.byteLength)
      at += part.byteLength
    }
  }

  /** Where the next bytes can be put, as a way without copying: never empty. `filled` says how many were. */
  get space(): Uint8Array {
    return this.#buffer.subarray(this.#filled)
  }

  /** Takes so many bytes that nobody knows for zeros. */
  skip(size: number): void {
    for (let left = size; left > 0; ) {
      const { space } = this
      const part = Math.min(left, space.byteLength)
      space.fill(0, 0, part)
      this.filled(part)
      left -= part
    }
  }

  /** Bytes that came since the beginning. */
  get size(): number {
    return this.#start + this.#filled
  }

  filled(size: number): void {
    this.#filled += size
    if (this.#filled < this.#buffer.byteLength) return
    this.#look(this.#filled - BEHIND)
    const kept = Math.max(0, this.#done - BEFORE)
    this.#buffer.copyWithin(0, kept, this.#filled)
    this.#filled -= kept
    this.#done -= kept
    this.#start += kept
  }

  /**
   * All that was found since the beginning, in the order of the bytes, then of the patterns. The next bytes are the first
   * of another run.
   */
  end(): Found[] {
    this.#look(this.#filled)
    const found = this.#found
    this.#filled = this.#done = this.#start = 0
    this.#found = []
    return found
  }

  #look(to: number): void {
    const bytes = this.#buffer.subarray(0, this.#filled)
    // Tables find them in orders of their own, but what is told is the same with any.
    const hits = this.#patterns.table.search(bytes, this.#done, to).sort((a, b) => a.at - b.at || a.needle - b.needle)
    for (const hit of hits) this.#judge(hit)
    this.#done = Math.max(this.#done, to)
  }

  #judge({ needle: number, at: inBuffer }: NeedleHit): void {
    const { needles, formats } = this.#patterns
    const at = this.#start + inBuffer
    const range = this.#rangeAt(at)
    if (range === undefined) return
    const needle = needles[number]
    if (needle !== undefined) {
      if (at + needle.bytes.byteLength <= range.end) this.#found.push({ kind: 'credential', at, needle })
      return
    }
    const { kind, isKey } = formats[number - needles.length]!
    const from = Math.max(0, inBuffer - BEFORE, range.start - this.#start)
    const to = Math.min(this.#filled, inBuffer + BEHIND, range.end - this.#start)
    if (isKey(this.#buffer.toString('latin1', from, to), inBuffer - from)) this.#found.push({ kind, at })
  }
}

const EVERYTHING: Range = { start: 0, end: Number.POSITIVE_INFINITY }
const everything = () => EVERYTHING
