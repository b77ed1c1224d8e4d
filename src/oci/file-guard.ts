import { readSync } from 'node:fs'
import { combineCrc } from './combine-crc.ts'
import { crc32 } from './crc32.ts'
import { CHECKED } from './gzip-blocks.ts'

/** By what a file that never changes is known to be what was written. Memory that threads share. */
export interface FileGuard {
  /** Bytes of the file. */
  readonly size: number
  /** CRC-32 of each `CHECKED` bytes, the last of them shorter: 32 bits each. */
  readonly checks: SharedArrayBuffer
  /** A byte for each of them. */
  readonly states: SharedArrayBuffer
}

/** Nobody has looked yet; somebody used a part of it without looking; it is right, and stays so for this process. */
const [UNSEEN, USED, RIGHT] = [0, 1, 2]

/** Used again for every window of which somebody read a part. */
const window = Buffer.allocUnsafeSlow(CHECKED)

/**
 * @param checks as of `FileChecks`
 * @param isOwn this process has just written the file: nobody needs to look
 */
export function guardOf(checks: Uint32Array, size: number, { isOwn = false } = {}): FileGuard {
  const shared = new SharedArrayBuffer(checks.byteLength)
  new Uint32Array(shared).set(checks)
  const states = new SharedArrayBuffer(checks.length)
  if (isOwn) new Uint8Array(states).fill(RIGHT)
  return { size, checks: shared, states }
}

/**
 * Whether bytes that were read at `at` are those that were written. What is 64 KiB and whole in them is looked at there;
 * what they have a part of is read once more, but by the first who asks alone.
 */
export function isAsWritten(guard: FileGuard, descriptor: number, bytes: Uint8Array, at: number): boolean {
  const { states, size } = guard
  const right = new Uint8Array(states)
  const end = at + bytes.byteLength
  for (let i = Math.floor(at / CHECKED); i * CHECKED < end; i++) {
    if (right[i] === RIGHT) continue
    const [from, to] = [i * CHECKED, Math.min((i + 1) * CHECKED, size)]
    const whole = from >= at && to <= end ? bytes.subarray(from - at, to - at) : windowAt(descriptor, from, to)
    if (!isRight(guard, i, whole)) return false
  }
  return true
}

/**
 * The CRC-32 of bytes that were read at `at`, or undefined when they are not those that were written. What `isAsWritten`
 * has to compute is not computed again.
 */
export function crcAsWritten(guard: FileGuard, descriptor: number, bytes: Uint8Array, at: number): number | undefined {
  const [right, checks] = [new Uint8Array(guard.states), new Uint32Array(guard.checks)]
  const end = at + bytes.byteLength
  let crc = 0
  for (let i = Math.floor(at / CHECKED); i * CHECKED < end; i++) {
    const [from, to] = [i * CHECKED, Math.min((i + 1) * CHECKED, guard.size)]
    const part = bytes.subarray(Math.max(from - at, 0), to - at)
    const isWhole = part.byteLength === to - from
    if (right[i] !== RIGHT && !(isWhole ? isRight(guard, i, part) : isWindowRight(guard, descriptor, i))) {
      return undefined
    }
    crc = combineCrc(crc, isWhole ? checks[i]! : crc32(part), part.byteLength)
  }
  return crc
}

/** As `isAsWritten`, of bytes that somebody else reads. */
export function isRangeAsWritten(guard: FileGuard, descriptor: number, at: number, size: number): boolean {
  const right = new Uint8Array(guard.states)
  for (let i = Math.floor(at / CHECKED); i * CHECKED < at + size; i++) {
    if (right[i] !== RIGHT && !isWindowRight(guard, descriptor, i)) return false
  }
  return true
}

/** Notes that bytes are used before anybody has looked whether they are right: most are read again, as a whole. */
export function noteUse({ states }: FileGuard, at: number, size: number): void {
  const all = new Uint8Array(states)
  const last = Math.min(Math.ceil((at + size) / CHECKED), all.length)
  for (let i = Math.floor(at / CHECKED); i < last; i++) if (all[i] === UNSEEN) all[i] = USED
}

/** Whether all that was used is right. */
export function isUseRight(guard: FileGuard, descriptor: number): boolean {
  return new Uint8Array(guard.states).every((state, i) => state !== USED || isWindowRight(guard, descriptor, i))
}

function isWindowRight(guard: FileGuard, descriptor: number, i: number): boolean {
  return isRight(guard, i, windowAt(descriptor, i * CHECKED, Math.min((i + 1) * CHECKED, guard.size)))
}

function isRight({ checks, states }: FileGuard, i: number, bytes: Uint8Array): boolean {
  if (crc32(bytes) !== new Uint32Array(checks)[i]) return false
  new Uint8Array(states)[i] = RIGHT
  return true
}

/** What there is of it. */
function windowAt(descriptor: number, from: number, to: number): Uint8Array {
  let done = 0
  for (let got = -1; done < to - from && got !== 0; done += got) {
    got = readSync(descriptor, window, done, to - from - done, from + done)
  }
  return window.subarray(0, done)
}
