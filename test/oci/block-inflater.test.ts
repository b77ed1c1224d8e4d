import { constants, crc32, deflateRawSync, gzipSync, inflateRawSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type BlockInflater, STOPS } from '../../src/oci/block-inflater.ts'
import { GzipReader } from '../../src/oci/gzip-reader.ts'
import { Inflater, WINDOW } from '../../src/oci/inflater.ts'
import { BLOCK_INFLATERS } from '../support/block-inflaters.ts'
import { fuzz } from '../support/fuzz.ts'
import { noise, RAW, SAMPLES } from '../support/gzip-samples.ts'
import { randomDeflate } from '../support/random-deflate.ts'
import { Random } from '../support/random-tree.ts'

const HEADER = Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3])

/** Tells `log` what is asked of `blocks`, and what it gives. */
class Witness implements BlockInflater {
  readonly memory: ArrayBuffer
  readonly log: unknown[] = []
  readonly #blocks: BlockInflater

  constructor(blocks: BlockInflater) {
    this.memory = blocks.memory
    this.#blocks = blocks
  }

  get byte(): number {
    return this.#blocks.byte
  }

  get bit(): number {
    return this.#blocks.bit
  }

  get out(): number {
    return this.#blocks.out
  }

  setFixed(): void {
    this.#blocks.setFixed()
  }

  readCodes(bit: number): number | undefined {
    const after = this.#blocks.readCodes(bit)
    this.log.push(`codes at ${bit} up to ${after}`)
    return after
  }

  inflate(...asked: [byte: number, bit: number, last: number, out: number, full: number, begin: number]): number {
    const why = this.#blocks.inflate(...asked)
    this.log.push(`${asked}: ${STOPS[why]} at ${this.byte}.${this.bit} with ${this.out}`)
    return why
  }
}

/** All that an inflater does with a file, and what it makes of it. */
function seen(make: () => BlockInflater, file: Uint8Array, chunk: number) {
  const blocks = new Witness(make())
  const raw: Buffer[] = []
  const reader = new GzipReader(
    new Inflater((piece) => {
      raw.push(Buffer.from(piece))
      return crc32(piece)
    }, blocks),
  )
  for (let at = 0; at < file.byteLength; at += chunk) reader.push(file.subarray(at, at + chunk))
  const found = reader.end()
  return { log: blocks.log, raw: Buffer.concat(raw), fault: reader.fault, found }
}

/** Fails unless all of them do and make the same. @returns what that is */
function seenByAll(file: Uint8Array, chunk = WINDOW) {
  const [first, ...others] = BLOCK_INFLATERS.map(([, make]) => seen(make, file, chunk))
  for (const { raw, ...rest } of others) {
    expect(rest).toEqual({ log: first!.log, fault: first!.fault, found: first!.found })
    expect(raw.equals(first!.raw)).toBe(true)
  }
  return first!
}

const whole = (stream: Uint8Array) => Buffer.concat([HEADER, stream, Buffer.alloc(8)])

describe('BlockInflater', () => {
  it.each(SAMPLES)('goes as far as any other in %s', (_, file) => {
    for (const chunk of [WINDOW, 5000]) {
      const { raw, fault } = seenByAll(file, chunk)
      expect(fault).toBeUndefined()
      expect(raw.equals(RAW)).toBe(true)
    }
  })

  it('copies from every distance, and every length', () => {
    const random = new Random(31)
    const few = Array.from({ length: 48 }, (_, i) => i + 1)
    const many = Array.from({ length: 60 }, () => 1 + random.below(32_768))
    const runs = [...few, ...few, ...many, 32_767, 32_768].map((distance) => {
      const seed = noise(random, distance)
      const size = 3 + random.below(random.chance(2) ? 30 : 300)
      return Buffer.alloc(distance + size, seed)
    })
    for (const level of [1, 9]) {
      const raw = Buffer.concat(runs)
      expect(seenByAll(gzipSync(raw, { level })).raw.equals(raw)).toBe(true)
    }
  })

  it('reads codes that no encoder would choose', () => {
    for (let seed = 0; seed < 60; seed++) {
      const { stream } = randomDeflate(new Random(seed))
      const { raw, log } = seenByAll(whole(stream))
      expect(raw.equals(inflateRawSync(stream)), `seed ${seed}`).toBe(true)
      expect(log.length).toBeGreaterThan(1)
    }
  })

  it('does the same with what is damaged', () => {
    const raw = RAW.subarray(196_000, 216_000)
    const streams = [
      ...[1, 6, 9].map((level) => deflateRawSync(raw, { level })),
      deflateRawSync(raw, { strategy: constants.Z_FIXED }),
      deflateRawSync(raw, { memLevel: 1 }),
      ...[1, 2, 3].map((seed) => randomDeflate(new Random(seed)).stream.subarray(40_000)),
    ]
    const place = fc.oneof(fc.nat(100), fc.nat(20_000))
    const damage = fc.array(fc.tuple(place, fc.nat(255)), { maxLength: 3 })
    const size = fc.oneof(fc.constant(20_000), fc.nat(20_000))
    const faults = new Set<string | undefined>()
    const property = fc.property(fc.constantFrom(...streams), damage, size, (stream, damage, size) => {
      const bytes = Buffer.from(stream)
      for (const [at, byte] of damage) bytes[at % bytes.length] = byte
      faults.add(seenByAll(whole(bytes.subarray(0, size))).fault)
    })
    fc.assert(property, fuzz(500))
    for (const fault of ['invalid codes', 'invalid data', 'unexpected end of file']) expect(faults).toContain(fault)
  })

  it('does the same with what is no deflate at all', () => {
    const bytes = fc.uint8Array({ minLength: 20, maxLength: 400 })
    const type = fc.constantFrom(2, 3, 4, 5)
    const property = fc.property(type, bytes, (type, bytes) => {
      bytes[0] = (bytes[0]! & ~7) | type
      seenByAll(whole(bytes))
    })
    fc.assert(property, fuzz(800))
  })
})
