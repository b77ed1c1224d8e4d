import { describe, expect, it } from 'vitest'
import { passing } from '../../src/oci/passing.ts'

/** Six chunks of two bytes, two of them in each memory. */
async function* chunks(): AsyncGenerator<Uint8Array> {
  for (let i = 0; i < 3; i++) {
    const memory = Uint8Array.of(i, i, i, i)
    yield memory.subarray(0, 2)
    yield memory.subarray(2)
  }
}

describe('passing', () => {
  it('keeps a chunk until the second one after it comes, and then frees its memory if no more of it comes', async () => {
    const held: Uint8Array[] = []
    const lengths: number[][] = []
    for await (const chunk of passing(chunks())) {
      held.push(chunk)
      lengths.push(held.map(({ byteLength }) => byteLength))
    }
    expect(lengths).toEqual([[2], [2, 2], [2, 2, 2], [0, 0, 2, 2], [0, 0, 2, 2, 2], [0, 0, 0, 0, 2, 2]])
  })
})
