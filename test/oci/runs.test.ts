import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { bytesContent, Slice, SliceFile } from '../../src/oci/content.ts'
import { FIRST } from '../../src/oci/gzip-blocks.ts'
import type { GzipSource } from '../../src/oci/gzip-source.ts'
import type { TarMember } from '../../src/oci/layer-tar.ts'
import type { CutEntry } from '../../src/oci/piece-cutter.ts'
import { type RunPart, runsOf } from '../../src/oci/runs.ts'
import { collect, wordy } from '../support/bytes.ts'
import { testFolder } from '../support/folder.ts'
import { randomBlocks } from '../support/gzip-blocks.ts'
import { Random } from '../support/random-tree.ts'

const KIB = 1024

interface Stored {
  readonly member: TarMember
  /** Where its header starts in the raw tar. */
  readonly offset: number
}

interface Made {
  readonly source: GzipSource
  readonly raw: Buffer
  readonly stored: readonly Stored[]
}

/** A raw tar of random files, with blocks that end anywhere. */
async function madeSource(random: Random, count: number): Promise<Made> {
  const sizes = Array.from({ length: count }, () => random.below(random.chance(10) ? 900 * KIB : 30 * KIB))
  const raw = wordy(
    random,
    sizes.reduce((sum, size) => sum + 512 + size + (-size & 511), 1024),
  )
  const path = join(await testFolder(), 'raw.tar')
  const file = new SliceFile(path)
  const stored: Stored[] = []
  let at = 0
  for (const [i, size] of sizes.entries()) {
    const [offset, header] = [at, raw.subarray(at, at + 512)]
    const content = new Slice(file, at + 512, size)
    at += 512 + size
    at += raw.subarray(at, at + (-size & 511)).fill(0).length
    stored.push({ offset, member: { path: `f${i}`, header, content } })
  }
  await writeFile(path, raw)
  onTestFinished(() => file.close())
  return { raw, stored, source: { file, blob: file, blobSize: raw.length, blocks: randomBlocks(random, raw.length) } }
}

/** The members with what stage one says of their headers: those that follow each other there as they do here are the tar's own. */
function tagged(chosen: readonly (Stored | TarMember)[], { source, stored }: Made): TarMember[] {
  const next = new Map(stored.map((one, i) => [one.member, stored[i + 1]?.member]))
  let due: TarMember | undefined
  return chosen.map((one) => {
    if (!('member' in one)) {
      due = undefined
      return one
    }
    const isNext = one.member === due
    due = next.get(one.member)
    const headerFrom = { file: source.file, offset: one.offset }
    const contentFrom = one.member.content as Slice
    const member = contentFrom.size > 0 ? { ...one.member, contentFrom } : one.member
    return isNext ? { ...member, headerFrom } : { ...member, header: Buffer.alloc(512, 'own') }
  })
}

const bytesOf = async ({ header, content, bodySize }: CutEntry) => {
  const bytes = content === undefined ? Buffer.alloc(0) : await collect(content.open())
  return Buffer.concat([header, bytes, Buffer.alloc(bodySize - bytes.length)])
}

async function expectSame(parts: Iterable<RunPart>, members: readonly TarMember[], { raw, source }: Made) {
  const { blocks } = source
  const made: Buffer[] = []
  let copied = 0
  let isOpen = false
  for (const part of parts) {
    if (part.kind === 'splice') {
      const [start, end] = [blocks.raw[part.from]!, blocks.raw[part.to]!]
      expect(isOpen).toBe(true)
      expect(part.size).toBe(end - start)
      const reach = Math.max(0, start - 32 * KIB)
      const isFirst = (blocks.flags[part.from]! & FIRST) !== 0
      if (!isFirst) {
        const before = Buffer.concat(made).subarray(-32 * KIB)
        let first = part.from
        while ((blocks.flags[first]! & FIRST) === 0) first--
        const needed = start - Math.max(reach, blocks.raw[first]!)
        expect(before.subarray(before.length - needed).equals(raw.subarray(start - needed, start))).toBe(true)
      }
      made.push(raw.subarray(start, end))
      copied += end - start
    } else {
      made.push(await bytesOf(part.entry))
      isOpen = part.kind === 'opening'
    }
  }
  const want: Buffer[] = []
  for (const { path, header, content } of members) {
    want.push(await bytesOf({ path, header, content: content!, bodySize: content!.size + (-content!.size & 511) }))
  }
  expect(Buffer.concat(made).equals(Buffer.concat(want))).toBe(true)
  return { copied, total: Buffer.concat(want).length }
}

const own = (random: Random): TarMember => ({
  path: 'new',
  header: Buffer.alloc(512, 'new'),
  content: bytesContent(wordy(random, random.below(50_000))),
})

describe('runsOf', () => {
  it('copies nearly all of what did not change', async () => {
    const made = await madeSource(new Random(1), 200)
    const members = tagged(made.stored, made)
    const { copied, total } = await expectSame(runsOf(members, { gzips: [made.source], unpacked: [] }), members, made)
    expect(copied).toBeGreaterThan(total * 0.9)
  })

  it.each(Array.from({ length: 25 }, (_, i) => i))(
    'gives the bytes of the archive, and each block what it refers to (seed %i)',
    async (seed) => {
      const random = new Random(seed)
      const made = await madeSource(random, 60)
      const chosen = made.stored.flatMap((one): (Stored | TarMember)[] => {
        if (random.chance(12)) return []
        return random.chance(12) ? [own(random), one] : [one]
      })
      const members = tagged(chosen, made)
      await expectSame(runsOf(members, { gzips: [made.source], unpacked: [] }), members, made)
    },
  )

  it('cuts what it copies into splices of a bounded size', async () => {
    const made = await madeSource(new Random(2), 200)
    const splices = [...runsOf(tagged(made.stored, made), { gzips: [made.source], unpacked: [] })].filter(
      (part) => part.kind === 'splice',
    )
    expect(splices.length).toBeGreaterThan(3)
    for (const { size } of splices) expect(size).toBeLessThan(1100 * KIB)
  })

  it('leaves a blob alone whose blocks are too large to be held', async () => {
    const made = await madeSource(new Random(3), 100)
    const raw = made.source.blocks.raw.map((at) => at * 1000)
    const source = { ...made.source, blocks: { ...made.source.blocks, raw } }
    const members = tagged(made.stored, made)
    expect([...runsOf(members, { gzips: [source], unpacked: [] })].every(({ kind }) => kind === 'entry')).toBe(true)
  })
})
