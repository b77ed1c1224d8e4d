import { describe, expect, it } from 'vitest'
import { gathered } from '../../src/oci/gathered.ts'

async function* chunks(...sizes: number[]): AsyncGenerator<Uint8Array> {
  let next = 0
  for (const size of sizes) yield Buffer.from(Array.from({ length: size }, () => next++ % 256))
}

describe('gathered', () => {
  it.each([
    [[], []],
    [[3], [3]],
    [[0, 2, 0, 1], [3]],
    [
      [3, 3, 3, 3],
      [5, 5, 2],
    ],
    [
      [1, 9, 2],
      [5, 5, 2],
    ],
    [
      [5, 5],
      [5, 5],
    ],
  ])('makes of chunks of %j bytes chunks of %j, with the same bytes', async (given, wanted) => {
    const got = await Array.fromAsync(gathered(chunks(...given), 5))
    expect(got.map((chunk) => chunk.byteLength)).toEqual(wanted)
    expect(Buffer.concat(got)).toEqual(Buffer.concat(await Array.fromAsync(chunks(...given))))
  })

  it('keeps a chunk until the fourth one after it', async () => {
    const held: Uint8Array[] = []
    let next = 0
    for await (const chunk of gathered(chunks(...Array.from({ length: 60 }, () => 2)), 5)) {
      held.push(chunk)
      if (held.length > 3) held.shift()
      expect(held.at(0)![0]).toBe(Math.max(0, next - 10))
      next += 5
    }
    expect(next).toBe(120)
  })
})
