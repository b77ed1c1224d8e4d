import { createHash } from 'node:crypto'
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import fc from 'fast-check'
import { gzip } from 'libdeflate'
import { describe, expect, it } from 'vitest'
import { DEFLATE } from '../../src/oci/deflate-code.ts'
import { Deflater } from '../../src/oci/deflater.ts'
import { nativeCode } from '../../src/oci/native-code.ts'
import { NativeCompressor } from '../../src/oci/native-compressor.ts'
import { openMember } from '../../src/oci/open-member.ts'
import { WasmCompressor } from '../../src/oci/wasm-compressor.ts'
import { wordy } from '../support/bytes.ts'
import { noise, RAW } from '../support/gzip-samples.ts'
import { Random } from '../support/random-tree.ts'

declare namespace WebAssembly {
  class Module {
    constructor(bytes: Uint8Array)
    static imports(module: Module): unknown[]
  }
}

const THIRD_PARTY = join(import.meta.dirname, '../../third-party/libdeflate')
/** What Node loads; without it, tests of it would test nothing. */
const native = nativeCode()!
const compressors = [
  ['native code', () => new NativeCompressor(native)],
  ['the native code of every processor', () => new NativeCompressor(native.plain)],
  ['WebAssembly', () => new WasmCompressor()],
] as const
const random = new Random(20)

/** Sizes around those at which libdeflate stores what is small, slides its window and ends a block. */
const sizes = [0, 1, 2, 31, 32, 33, 255, 4096, 10_000, 32_767, 32_768, 32_769, 65_535, 65_536, 300_000, 2 ** 20]
const kinds: readonly (readonly [name: string, make: (size: number) => Buffer])[] = [
  ['zeros', (size) => Buffer.alloc(size)],
  ['words', (size) => wordy(random, size)],
  ['noise', (size) => noise(random, size)],
  ['words, noise and a program', (size) => Buffer.concat(Array(2).fill(RAW)).subarray(0, size)],
  ['what is repeated', (size) => Buffer.alloc(size, noise(random, 1000))],
]

/** Text, noise and runs, in any order. */
const mixed = fc
  .array(
    fc.oneof(
      fc.tuple(fc.uint8Array({ minLength: 1, maxLength: 40 }), fc.integer({ min: 1, max: 3000 })),
      fc.tuple(fc.uint8Array({ minLength: 1, maxLength: 5000 }), fc.constant(1)),
    ),
    { maxLength: 30 },
  )
  .map((runs) => Buffer.concat(runs.map(([bytes, times]) => Buffer.alloc(bytes.length * times, bytes))))

/** Compared at once: a difference of a megabyte takes minutes to print. */
function expectAsByPackage(deflater: Deflater, raw: Uint8Array): void {
  const member = gzip(raw, 6)
  expect(Buffer.from(deflater.gzip(raw)).equals(member)).toBe(true)
  expect(Buffer.from(deflater.open(raw)).equals(openMember(member))).toBe(true)
}

describe.each(compressors)('Deflater by %s', (_, compressor) => {
  const deflater = new Deflater(compressor())

  it.each(kinds)('makes of %s what another build of libdeflate makes, of any size, closed or open', (_kind, make) => {
    for (const size of sizes) expectAsByPackage(deflater, make(size))
  })

  it('makes of random data what another build of libdeflate makes, closed or open', () => {
    fc.assert(
      fc.property(mixed, (raw) => expectAsByPackage(deflater, raw)),
      { numRuns: 200 },
    )
  })

  it('takes memory that threads share', () => {
    const shared = new Uint8Array(new SharedArrayBuffer(RAW.length))
    shared.set(RAW)
    expectAsByPackage(deflater, shared)
  })

  it('makes the same of a piece, whatever it compressed before', () => {
    const fresh = Buffer.from(new Deflater(compressor()).gzip(RAW))
    for (const size of [3_000_000, 1, 0]) deflater.gzip(noise(random, size))
    expect(Buffer.from(deflater.gzip(RAW)).equals(fresh)).toBe(true)
    expect(gunzipSync(fresh).equals(RAW)).toBe(true)
  })

  it('says so when there is no memory for a piece, and goes on with others', () => {
    const own = new Deflater(compressor())
    expect(() => own.gzip(new Uint8Array(2 ** 31))).toThrow(RangeError)
    expect(gunzipSync(own.gzip(RAW)).equals(RAW)).toBe(true)
  })
})

it('has WebAssembly that imports nothing', () => {
  expect(WebAssembly.Module.imports(new WebAssembly.Module(Buffer.from(DEFLATE, 'base64')))).toEqual([])
})

describe('the sources of libdeflate', () => {
  it('are those of which the sums are kept, and no others', () => {
    const sums = readFileSync(join(THIRD_PARTY, 'SHA256SUMS'), 'utf8')
    const files = globSync('{COPYING,**/*.{c,h}}', { cwd: THIRD_PARTY }).sort()
    const sum = (file: string) =>
      createHash('sha256')
        .update(readFileSync(join(THIRD_PARTY, file)))
        .digest('hex')
    expect(files.map((file) => `${sum(file)}  ${file}\n`).join('')).toBe(sums)
  })
})
