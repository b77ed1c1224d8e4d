import { fileURLToPath } from 'node:url'

/** What native/addon/addon.c exports. Sizes and places are bytes. */
export interface NativeCode {
  /** As `deflate_bound` in native/addon/codec.h. */
  bound(size: number): number
  /**
   * Deflates `raw` to `into` from byte `at` on, where there has to be room for `bound(raw.byteLength)`.
   * @returns how many bytes it is then
   * @throws RangeError where there is no such room
   */
  deflate(raw: Uint8Array, into: Uint8Array, at: number): number
  /** As `open` in src/oci/deflate.c, of what this thread has just deflated, with 6 bytes more of room. @throws as `deflate` */
  open(raw: Uint8Array, into: Uint8Array, at: number): number
  /** As `copyBits` in copy-bits.ts. @throws RangeError for bits that are not there */
  copyBits(bytes: Uint8Array, from: number, count: number, into: Uint8Array, to: number): void
  /** As Node's zlib.crc32, for an unsigned number. */
  crc32(bytes: Uint8Array, before: number): number
  /**
   * As `inflate_codes` there.
   * @param bit of `memory`, whose first byte is at a multiple of 4
   * @throws RangeError where the head of a block could reach beyond the memory, as `inflate` does
   */
  codes(memory: Uint8Array, bit: number): number
  /**
   * As `inflate` there.
   * @param at the numbers of `struct inflating`, which it sets
   */
  inflate(memory: Uint8Array, at: Uint32Array): number
  /** Whether `search` looks at many places at once. */
  readonly searchesQuickly: boolean
  /**
   * Looks in `bytes` from byte `at` on for what starts from `from` on and before `to`; see native/addon/codec.h.
   * @param tables of src/secrets/native-needles.ts
   * @param hits gets the place to go on at, or 2^32 - 1, then number and place of each; has room for all needles at least
   * @returns how many these are
   */
  search(bytes: Uint8Array, from: number, to: number, tables: Uint8Array, hits: Uint32Array, at: number): number
  /** Whether the functions of SHA-256 are for this processor; where they are not, they throw a RangeError. */
  readonly hasSha256: boolean
  /** Sets a state: 104 bytes, `struct sha256` in native/addon/codec.h. @throws RangeError for one of another size */
  sha256Start(state: Uint8Array): void
  /** Has the state go on with what follows. It may have anything in it. @throws as `sha256Start` */
  sha256Update(state: Uint8Array, bytes: Uint8Array): void
  /** Sets the digest, 32 bytes; the state stays as it is. @throws as `sha256Start`, and for another size of `into` */
  sha256End(state: Uint8Array, into: Uint8Array): void
}

// The same two folders up from src/oci/ and from dist/oci/.
const FILE = new URL(`../../native/bin/${process.platform}-${process.arch}/ocibake.node`, import.meta.url)

/** With what every processor has, beside the best for this one. */
interface Addon extends NativeCode {
  readonly plain: NativeCode
}

/** What an addon of another version may not have. */
const FUNCTIONS = [
  'bound',
  'deflate',
  'open',
  'copyBits',
  'crc32',
  'codes',
  'inflate',
  'search',
  'sha256Start',
  'sha256Update',
  'sha256End',
] as const

let loaded: Addon | null | undefined

/**
 * What is faster in the processor's own code than in WebAssembly, and gives the same; undefined where there is none: on
 * other systems, where Node lets no addon be loaded (--no-addons), and where it is not of this version. Loaded once by each
 * thread, and not tried again: who sums up a few bytes asks as well.
 */
export function nativeCode(): Addon | undefined {
  if (loaded === undefined) loaded = load()
  return loaded ?? undefined
}

function load(): Addon | null {
  const module: { exports: Partial<Addon> } = { exports: {} }
  try {
    process.dlopen(module, fileURLToPath(FILE))
  } catch {
    return null
  }
  const { exports } = module
  return isWhole(exports) && exports.plain !== undefined ? (exports as Addon) : null
}

function isWhole(code: Partial<NativeCode>): boolean {
  return FUNCTIONS.every((name) => typeof code[name] === 'function')
}
