import { nativeCode } from './native-code.ts'

/**
 * Copies `count` bits, one at least, from bit `from` of `bytes` to bit `to` of `into`, counted from the least significant
 * one of each byte. Bits of `into` before `to` stay; those after the last one become 0 up to the end of its byte.
 */
export function copyBits(bytes: Uint8Array, from: number, count: number, into: Uint8Array, to: number): void {
  const code = nativeCode()
  if (code === undefined) copyBitsHere(bytes, from, count, into, to)
  else code.copyBits(bytes, from, count, into, to)
}

/** `copyBits` in JavaScript. */
export function copyBitsHere(bytes: Uint8Array, from: number, count: number, into: Uint8Array, to: number): void {
  const head = Math.min(count, -to & 7)
  if (head > 0) {
    const at = Math.floor(to / 8)
    const kept = into[at]! & ((1 << (to & 7)) - 1)
    into[at] = kept | (bitsAt(bytes, from, head) << (to & 7))
  }
  const at = Math.ceil(to / 8)
  const whole = Math.floor((count - head) / 8)
  copyBytes(bytes, from + head, whole, into, at)
  const rest = count - head - 8 * whole
  if (rest > 0) into[at + whole] = bitsAt(bytes, from + count - rest, rest)
}

/** At most 8 bits. */
function bitsAt(bytes: Uint8Array, bit: number, count: number): number {
  const at = Math.floor(bit / 8)
  const word = bytes[at]! | ((bytes[at + 1] ?? 0) << 8)
  return (word >> (bit & 7)) & ((1 << count) - 1)
}

function copyBytes(bytes: Uint8Array, from: number, size: number, into: Uint8Array, to: number): void {
  const shift = from & 7
  const first = Math.floor(from / 8)
  if (shift === 0) {
    into.set(bytes.subarray(first, first + size), to)
    return
  }
  const source = viewOf(bytes)
  const target = viewOf(into)
  const words = size & ~3
  for (let i = 0; i < words; i += 4) {
    // The last bits of a word are in the fifth byte, which is there: the bits that are copied end in it.
    const word = (source.getInt32(first + i, true) >>> shift) | (source.getUint8(first + i + 4) << (32 - shift))
    target.setInt32(to + i, word, true)
  }
  for (let i = words; i < size; i++) into[to + i] = bitsAt(bytes, 8 * (first + i) + shift, 8)
}

function viewOf({ buffer, byteOffset, byteLength }: Uint8Array): DataView {
  return new DataView(buffer, byteOffset, byteLength)
}
