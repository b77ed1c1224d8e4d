import fc from 'fast-check'
import { sumOf } from '../../src/oci/tar-header.ts'
import { type Damage, damage } from './damage.ts'

const BLOCK = 512
/** Name, offset and length of the fields of a header, of every format. */
const FIELDS = [
  ...[[0, 100] as const, [100, 8] as const, [108, 8] as const, [116, 8] as const, [124, 12] as const],
  ...[[136, 12] as const, [156, 1] as const, [157, 100] as const, [257, 8] as const, [329, 8] as const],
  ...[[337, 8] as const, [345, 155] as const, [386, 12] as const, [398, 12] as const, [482, 1] as const],
  ...[[483, 12] as const, [508, 4] as const],
]
const VALUES = [
  ...['', '../../x', '/etc/passwd', '.wh.', '.wh..', '.wh..wh..opq', '.wh.x', './', '..', '\xff\xfe', 'a\nb', 'd/'],
  ...['0000000\0', '7777777\0', '77777777777\0', '-1', '99', '        ', '\x80\0\0\0\0\0\0\x01', '\xff'.repeat(12)],
  ...[`\x80${'\0'.repeat(3)}\x7f${'\xff'.repeat(7)}`, '00000001000\0', '00000000001\0', '37777777777\0'],
  ...[
    '0',
    '1',
    '2',
    '3',
    '4',
    '5',
    '6',
    '7',
    'x',
    'g',
    'L',
    'K',
    'S',
    'V',
    'X',
    '\0',
    'ustar\x0000',
    'ustar  \0',
    'tar\0',
  ],
]

const block = fc.nat(200)
const at = (bytes: Buffer, index: number) => (index % Math.max(1, Math.floor(bytes.length / BLOCK))) * BLOCK

const setField: fc.Arbitrary<Damage> = fc
  .tuple(block, fc.constantFrom(...FIELDS), fc.constantFrom(...VALUES))
  .map(([index, [start, length], value]) => (bytes) => {
    const copy = Buffer.from(bytes)
    copy.subarray(at(bytes, index) + start).write(value.slice(0, length), 'latin1')
    return copy
  })

const moveBlocks: fc.Arbitrary<Damage> = fc
  .tuple(block, fc.integer({ min: 1, max: 4 }), block, fc.boolean())
  .map(([from, count, to, keep]) => (bytes) => {
    const start = at(bytes, from)
    const moved = bytes.subarray(start, start + count * BLOCK)
    const rest = keep ? bytes : Buffer.concat([bytes.subarray(0, start), bytes.subarray(start + moved.length)])
    const target = at(rest, to)
    return Buffer.concat([rest.subarray(0, target), moved, rest.subarray(target)])
  })

/** Checksums that fit, wherever a block looks like a header: else every reader stops at the first damage. */
export function seal(bytes: Buffer): Buffer {
  const sealed = Buffer.from(bytes)
  for (let start = 0; start + BLOCK <= sealed.length; start += BLOCK) {
    const header = sealed.subarray(start, start + BLOCK)
    if (!/^[0-7]{6}\0 $/.test(header.toString('latin1', 148, 156))) continue
    header.write(`${sumOf(header).toString(8).padStart(6, '0')}\0 `, 148, 'latin1')
  }
  return sealed
}

/** What a liar makes of an archive: nasty fields, members in other places, and bad luck, mostly with right checksums. */
export const tarDamage: fc.Arbitrary<Damage> = fc
  .tuple(
    fc.array(fc.oneof({ weight: 4, arbitrary: setField }, { weight: 2, arbitrary: moveBlocks }, damage), {
      minLength: 1,
      maxLength: 6,
    }),
    fc.integer({ min: 0, max: 7 }),
  )
  .map(([all, dice]) => (bytes) => {
    const damaged = all.reduce((next, one) => one(next), bytes)
    return dice === 0 ? damaged : seal(damaged)
  })
