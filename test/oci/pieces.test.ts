import { describe, expect, it } from 'vitest'
import { bytesContent } from '../../src/oci/content.ts'
import { digestOf } from '../../src/oci/digest.ts'
import type { TarMember } from '../../src/oci/layer-tar.ts'
import { cutPieces } from '../../src/oci/pieces.ts'
import { collect, wordy } from '../support/bytes.ts'
import { Random } from '../support/random-tree.ts'

interface Member {
  readonly name: string
  readonly body: Buffer
}

const KIB = 1024
const SEED = 7

function members(random: Random, count: number, size: (random: Random) => number): Member[] {
  const source = wordy(random, 4 << 20)
  return Array.from({ length: count }, (_, i) => {
    const start = random.below(source.length >> 1)
    return { name: `usr/share/${i}/${random.below(1e9)}`, body: source.subarray(start, start + size(random)) }
  })
}

function* tarMembers(all: readonly Member[]): Generator<TarMember> {
  for (const { name, body } of all) yield { path: name, header: Buffer.alloc(512, name), content: bytesContent(body) }
}

/** The bytes of every piece. */
async function pieces(all: readonly Member[]): Promise<Buffer[]> {
  const made: Buffer[] = []
  for (const piece of cutPieces(tarMembers(all))) {
    if (piece.kind === 'splice') throw new Error('a splice of nothing')
    const { size, parts } = piece
    const bytes = Buffer.alloc(size)
    for (const part of parts) {
      const from = part.kind === 'header' ? part.bytes : await collect(part.content.open())
      const start = part.kind === 'header' ? 0 : part.start
      const length = part.kind === 'header' ? part.bytes.length : part.size
      bytes.set(from.subarray(start, start + length), part.at)
    }
    made.push(bytes)
  }
  return made
}

function joined(all: readonly Member[]): Buffer {
  const blocks = all.flatMap(({ name, body }) => [Buffer.alloc(512, name), body, Buffer.alloc(-body.length & 511)])
  return Buffer.concat([...blocks, Buffer.alloc(1024)])
}

const mixed = (random: Random) => (random.chance(60) ? random.below(4 << 20) : random.below(40 * KIB))
const newOnes = (before: readonly Buffer[], after: readonly Buffer[]) => {
  const known = new Set(before.map((piece) => digestOf(piece)))
  return after.filter((piece) => !known.has(digestOf(piece)))
}

describe('cutPieces', { timeout: 60_000 }, () => {
  const all = members(new Random(SEED), 600, mixed)

  it('gives the bytes of the archive, in pieces of bounded size', async () => {
    const cut = await pieces(all)
    expect(Buffer.concat(cut).equals(joined(all))).toBe(true)
    expect(Math.max(...cut.map((piece) => piece.length))).toBeLessThanOrEqual(1281 * KIB)
    expect(cut.filter((piece) => piece.length < 128 * KIB).length).toBeLessThan(cut.length / 4)
  })

  it.each(Array.from({ length: 4 }, (_, i) => i))(
    'lets a changed file disturb only what is near (seed %i)',
    async (seed) => {
      const random = new Random(seed)
      const before = await pieces(all)
      const at = random.below(all.length)
      const inserted = all.toSpliced(at, 0, ...members(random, 1, () => 20_000))
      const removed = all.toSpliced(at, 1)
      const changed = all.with(at, { name: all[at]!.name, body: wordy(random, 5000) })
      for (const version of [inserted, removed, changed]) {
        expect(newOnes(before, await pieces(version)).length).toBeLessThanOrEqual(8)
      }
    },
  )

  it('gives the same pieces for a large file wherever it stands and whatever its time', async () => {
    const random = new Random(SEED)
    const large: Member = { name: 'large', body: wordy(random, 9_700_000) }
    const touched: Member = { ...large, name: 'large, touched' }
    const before = await pieces([...members(random, 3, mixed), large])
    const after = await pieces([...members(random, 50, mixed), touched, ...members(random, 5, mixed)])
    const known = new Set(before.map((piece) => digestOf(piece)))
    expect(after.filter((piece) => known.has(digestOf(piece)))).toHaveLength(9)
  })

  it.each([
    ['nothing but its end', [], 1],
    ['one empty file', [{ name: 'x', body: Buffer.alloc(0) }], 1],
    ['one file of just a piece', [{ name: 'x', body: Buffer.alloc(1 << 20) }], 3],
  ] as const)('cuts an archive with %s', async (_, few, count) => {
    const cut = await pieces(few)
    expect(Buffer.concat(cut).equals(joined(few))).toBe(true)
    expect(cut).toHaveLength(count)
  })
})
