import { describe, expect, it } from 'vitest'
import { gathered } from '../../src/oci/gathered.ts'
import { giveBack, singleUse } from '../../src/oci/single-use.ts'

const own = (...bytes: number[]) => Uint8Array.from(bytes)

describe('giveBack', () => {
  it('frees the memory of a chunk for single use, by the chunk or a part of it, once', () => {
    const [whole, part] = [singleUse(own(1, 2)), singleUse(own(3, 4))]
    for (const chunk of [whole, whole, part.subarray(1)]) giveBack(chunk)
    expect([whole.byteLength, part.byteLength]).toEqual([0, 0])
  })

  it.each([
    ['that nobody marked', own(1, 2)],
    ['of a pool', singleUse(own(1, 2, 3).subarray(1))],
    ['that threads share', singleUse(new Uint8Array(new SharedArrayBuffer(2)))],
  ])('leaves a chunk %s', (_, chunk) => {
    giveBack(chunk)
    expect(chunk.byteLength).toBe(2)
  })
})

describe('gathered', () => {
  async function* from(chunks: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
    yield* chunks
  }

  it('gives back what it has copied, and no chunk that it gives on', async () => {
    const chunks = [[1], [2, 3, 4, 5, 6, 7, 8, 9], [10, 11], [12]].map((bytes) => singleUse(own(...bytes)))
    const got: number[][] = []
    for await (const chunk of gathered(from(chunks), 3)) got.push([...chunk])
    expect(got.flat()).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12])
    expect(chunks.map(({ byteLength }) => byteLength)).toEqual([0, 8, 0, 0])
  })

  it('leaves chunks that somebody else may have', async () => {
    const chunks = [own(1), own(2, 3)]
    await Array.fromAsync(gathered(from(chunks), 3))
    expect(chunks).toEqual([own(1), own(2, 3)])
  })
})
