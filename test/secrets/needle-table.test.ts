import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { nativeCode } from '../../src/oci/native-code.ts'
import { NativeNeedles } from '../../src/secrets/native-needles.ts'
import type { NeedleTable } from '../../src/secrets/needle-table.ts'
import { SkipTable } from '../../src/secrets/skip-table.ts'
import { fuzz } from '../support/fuzz.ts'

/** What Node loads; without it, tests of it would test nothing. */
const native = nativeCode()!
type Make = (needles: readonly Uint8Array[]) => NeedleTable
const TABLES: readonly (readonly [name: string, make: Make])[] = [
  ['JavaScript', (needles) => new SkipTable(needles)],
  ['native code', (needles) => new NativeNeedles(needles, native)],
  ['the native code of every processor', (needles) => new NativeNeedles(needles, native.plain)],
]

/** What starts in a range, by looking at every place. */
function plainly(needles: readonly Uint8Array[], bytes: Uint8Array, from: number, to: number): string[] {
  const all = Buffer.from(bytes)
  return needles
    .flatMap((needle, number) => {
      const hits: string[] = []
      for (let at = all.indexOf(needle, from); at >= 0 && at < to; at = all.indexOf(needle, at + 1)) {
        hits.push(`${number} at ${at}`)
      }
      return hits
    })
    .sort()
}

const shown = (table: NeedleTable, bytes: Uint8Array, from: number, to: number) =>
  table
    .search(bytes, from, to)
    .map(({ needle, at }) => `${needle} at ${at}`)
    .sort()

/** Of few kinds of bytes, so that needles are met, overlap and begin alike. */
const alike = (max: number, minLength: number, maxLength: number) =>
  fc
    .array(fc.integer({ min: 97, max: 97 + max }), { minLength, maxLength, size: 'max' })
    .map((bytes) => Uint8Array.from(bytes))
const sizes = fc.constantFrom(2, 3, 4, 5, 17)

/** Needles, and bytes in which parts of them are put wherever. */
const cases = fc
  .tuple(sizes, fc.constantFrom(1, 2, 25))
  .chain(([least, max]) =>
    fc.record({
      needles: fc.array(
        fc.oneof(alike(max, least, least + 3), fc.uint8Array({ minLength: least, maxLength: 90, size: 'max' })),
        {
          maxLength: 40,
        },
      ),
      bytes: fc.oneof(alike(max, 0, 300), fc.uint8Array({ maxLength: 300, size: 'max' })),
      parts: fc.array(fc.tuple(fc.nat(100), fc.nat(300), fc.nat(3)), { maxLength: 10 }),
      from: fc.nat(60),
      size: fc.oneof(fc.constant(400), fc.integer({ min: -20, max: 300 })),
    }),
  )
  .map(({ needles, bytes, parts, from, size }) => {
    const all = Uint8Array.from(bytes)
    for (const [number, at, cut] of parts) {
      const needle = needles[number % Math.max(1, needles.length)]?.subarray(cut) ?? new Uint8Array()
      // At the very end, too, and cut there.
      const place = Math.min(at, Math.max(0, all.length - (at % 2 ? needle.length : 1)))
      all.set(needle.subarray(0, all.length - place), place)
    }
    return { needles, bytes: all, from, to: from + size }
  })

describe.each(TABLES)('NeedleTable by %s', (_, make) => {
  it('finds what looking at every place finds', () => {
    let found = 0
    const property = fc.property(cases, ({ needles, bytes, from, to }) => {
      const wanted = plainly(needles, bytes, from, to)
      found += wanted.length
      expect(shown(make(needles), bytes, from, to)).toEqual(wanted)
    })
    fc.assert(property, fuzz(400))
    expect(found).toBeGreaterThan(500)
  })

  it('finds a needle at every place of a large file, and only in the range', () => {
    const needle = Buffer.from('the needle with its key in the MIDDLE')
    const table = make([needle, Buffer.from('other')])
    const bytes = Buffer.alloc(1000)
    for (let at = 0; at <= bytes.length - needle.length; at++) {
      bytes.fill(at % 3 ? 0 : 'the n').set(needle, at)
      expect(table.search(bytes, 0, 1000)).toEqual([{ needle: 0, at }])
      expect(table.search(bytes, at, at + 1)).toEqual([{ needle: 0, at }])
      expect(table.search(bytes, 0, at)).toEqual([])
      expect(table.search(bytes, at + 1, 1000)).toEqual([])
      expect(table.search(bytes.subarray(0, at + needle.length - 1), 0, 1000)).toEqual([])
    }
  })

  it('finds any number of hits, several at a place', () => {
    const needles = [2, 3, 4, 5, 300].map((size) => Buffer.alloc(size, 'a'))
    const hits = make([...needles, Buffer.from('ab')]).search(Buffer.alloc(5000, 'a'), 0, 4000)
    expect(hits.length).toBe(5 * 4000)
    expect(new Set(hits.map(({ needle, at }) => 4000 * needle + at)).size).toBe(5 * 4000)
  })

  it('takes the same needle several times, and none', () => {
    const needles = Array.from({ length: 3 }, () => Buffer.from('twice'))
    expect(shown(make(needles), Buffer.from('a twice'), 0, 7)).toEqual(['0 at 2', '1 at 2', '2 at 2'])
    expect(make([]).search(Buffer.alloc(100), 0, 100)).toEqual([])
  })

  it('takes thousands of needles', () => {
    const needles = Array.from({ length: 3000 }, (_, i) => Buffer.from(`needle ${i} of them`))
    const bytes = Buffer.from('a needle 17 of them, needle 2999 of them, needle 3000 of them')
    expect(shown(make(needles), bytes, 0, bytes.length)).toEqual(['17 at 2', '2999 at 21'])
  })
})
