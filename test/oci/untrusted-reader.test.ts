import { describe, expect, it } from 'vitest'
import { ByteWriter } from '../../src/oci/byte-writer.ts'
import { UntrustedReader } from '../../src/oci/untrusted-reader.ts'

const zeros = (count: number) => Buffer.from([...Array(count).fill(0x80), 0])

describe('a number that somebody else wrote', () => {
  it.each([0, 127, 128, 2 ** 32, Number.MAX_SAFE_INTEGER])('is %d as a ByteWriter writes it', (value) => {
    const writer = new ByteWriter()
    writer.number(value)
    expect(new UntrustedReader(Buffer.concat(writer.finish())).number()).toBe(value)
  })

  // 7 * 147 bits are more than a number of JavaScript's has: then 0 times infinity.
  it.each([8, 146, 147, 200])('is a number or refused, with %d zeros on top', (count) => {
    const read = () => new UntrustedReader(zeros(count)).number()
    try {
      expect(read()).toBe(0)
    } catch {
      expect(read).toThrow(expect.objectContaining({ code: 'LAYER_INVALID' }))
    }
  })

  it('never has a string end nowhere', () => {
    const reader = new UntrustedReader(zeros(200))
    expect(() => reader.skip()).toThrow(expect.objectContaining({ code: 'LAYER_INVALID' }))
  })
})
