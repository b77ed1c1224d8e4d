/** Inflates blocks of deflate in a memory of its own: the same bytes, and as far as any other does. */
export interface BlockInflater {
  /** The first `BLOCK_TABLES` bytes are its own; input and output are where its user has them. */
  readonly memory: ArrayBuffer
  /** Where `inflate` stopped: the byte and the bit of the input that come next, the byte of the output. */
  readonly byte: number
  readonly bit: number
  readonly out: number
  /** Sets the fixed codes. Source: RFC 1951, section 3.2.6. */
  setFixed(): void
  /**
   * Sets the codes that a block has of its own.
   * @param bit of the memory: the first one after the block's three bits of head; `MOST_HEADER` bytes can be read there
   * @returns the bit after them, or undefined when they are not codes
   */
  readCodes(bit: number): number | undefined
  /**
   * Inflates from bit `bit` of byte `byte` on, to `out`: up to the block's end or until what is looked at comes behind
   * `last`, from where on 16 bytes can be read, or `out` behind `full`, from where on 320 bytes can be written. Nothing
   * before byte `begin` is referred to.
   * @returns an index of `STOPS`
   */
  inflate(byte: number, bit: number, last: number, out: number, full: number, begin: number): number
}

/** Why `inflate` stopped. */
export const STOPS = ['limit', 'full', 'end', 'invalid'] as const

/** Bytes. */
export const BLOCK_MEMORY = 14 * (64 << 10)
export const BLOCK_TABLES = 32 << 10
