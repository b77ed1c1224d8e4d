import fc from 'fast-check'

/** Changes bytes; never in place. */
export type Damage = (bytes: Buffer) => Buffer

const byte = fc.integer({ min: 0, max: 255 })
/** A part of the whole. Not fc.double: most of its numbers are next to 0. */
const place = fc.nat(2 ** 30 - 1).map((part) => part / 2 ** 30)
const few = fc.uint8Array({ maxLength: 40 })

const write = (bytes: Buffer, at: number, what: Uint8Array) => {
  const copy = Buffer.from(bytes)
  copy.set(what.subarray(0, Math.max(0, bytes.length - at)), at)
  return copy
}
const splice = (bytes: Buffer, at: number, removed: number, added: Uint8Array) =>
  Buffer.concat([bytes.subarray(0, at), added, bytes.subarray(at + removed)])
const offset = (bytes: Buffer, where: number) => Math.floor(where * bytes.length)

/** A bit, some bytes, a cut, a piece too much or too little: what bad luck does to any file. */
export const damage: fc.Arbitrary<Damage> = fc.oneof(
  fc.tuple(place, fc.nat(7)).map(
    ([where, bit]): Damage =>
      (bytes) => {
        const at = offset(bytes, where)
        return bytes.length === 0 ? bytes : write(bytes, at, Uint8Array.of(bytes[at]! ^ (1 << bit)))
      },
  ),
  fc.tuple(place, few).map(
    ([where, what]): Damage =>
      (bytes) =>
        write(bytes, offset(bytes, where), what),
  ),
  place.map(
    (where): Damage =>
      (bytes) =>
        bytes.subarray(0, offset(bytes, where)),
  ),
  fc.tuple(place, fc.nat(600), few).map(
    ([where, removed, added]): Damage =>
      (bytes) =>
        splice(bytes, offset(bytes, where), removed, added),
  ),
  fc.tuple(place, byte, fc.nat(2000)).map(
    ([where, value, size]): Damage =>
      (bytes) => {
        return splice(bytes, offset(bytes, where), 0, Buffer.alloc(size, value))
      },
  ),
)

/** A few of them, one after the other. */
export function damages(most = 4): fc.Arbitrary<Damage> {
  return fc
    .array(damage, { minLength: 1, maxLength: most })
    .map((all) => (bytes: Buffer) => all.reduce((damaged, one) => one(damaged), bytes))
}
