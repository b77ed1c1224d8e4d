import { execFileSync } from 'node:child_process'
import { rm, stat, truncate, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { bytesContent, type Content, HostFile, Slice, SliceFile } from '../../src/oci/content.ts'
import { digestOf } from '../../src/oci/digest.ts'
import type { OwnPiece, Piece, PieceBody } from '../../src/oci/piece.ts'
import { COMPRESSOR, decodePieces, encodePieces, type PieceRow } from '../../src/oci/piece-index.ts'
import { sharePieces } from '../../src/oci/piece-table.ts'
import { type PressOptions, pressPieces } from '../../src/oci/press-pieces.ts'
import { SparseContent } from '../../src/oci/sparse-content.ts'
import libdeflate from '../../third-party/libdeflate/package.json' with { type: 'json' }
import { wordy } from '../support/bytes.ts'
import { testFolder } from '../support/folder.ts'
import { Random } from '../support/random-tree.ts'

const text = wordy(new Random(3), 6_000_000)
const cut = (bytes: Buffer, count: number) =>
  Array.from({ length: count }, (_, i) => bytes.subarray((bytes.length / count) * i, (bytes.length / count) * (i + 1)))

const never = new AbortController().signal
const known = sharePieces([])

const body = (content: Content, at: number, start = 0, size = content.size): PieceBody => {
  return { kind: 'body', at, path: 'f', content, start, size }
}
const ownPiece = (size: number, parts: OwnPiece['parts']): Piece => ({ kind: 'own', size, parts, isOpen: false })
const pieceOf = (bytes: Uint8Array): Piece => ownPiece(bytes.length, [body(bytesContent(bytes), 0)])

async function press(pieces: Iterable<Piece>, options: Partial<PressOptions> = {}) {
  const raw: Buffer[] = []
  const members: Buffer[] = []
  /** Where each member was copied from. */
  const blobs: (number | undefined)[] = []
  for await (const piece of pressPieces(pieces, { signal: never, known, ...options })) {
    blobs.push(piece.blob)
    raw.push(Buffer.from(piece.raw))
    members.push(Buffer.from(piece.member))
  }
  return { raw: Buffer.concat(raw), gzip: Buffer.concat(members), members, blobs }
}

const gzip = async (pieces: readonly Uint8Array[], threads = 2) => {
  return (await press(pieces.map(pieceOf), { threads })).gzip
}

async function hostFile(bytes: Buffer): Promise<HostFile> {
  const path = join(await testFolder(), 'file')
  await writeFile(path, bytes)
  const { size, mtimeNs, ino } = await stat(path, { bigint: true })
  return new HostFile(Buffer.from(path), { size: Number(size), mtimeNs, ino })
}

async function sliceFile(bytes: Buffer): Promise<SliceFile> {
  const file = new SliceFile((await hostFile(bytes)).path.toString())
  onTestFinished(() => file.close())
  return file
}

describe('pressPieces', { timeout: 60_000 }, () => {
  it('gives the same gzip bytes with any number of threads', async () => {
    const pieces = cut(text, 12)
    const one = await gzip(pieces, 1)
    for (const threads of [2, 4]) expect((await gzip(pieces, threads)).equals(one)).toBe(true)
  })

  it('gives bytes that never change, on any machine', async () => {
    const digest = 'sha256:9a64c8de2002897598839cb34b297c1aba09aead8bd89c0f0b5e23344df2fd74'
    expect(digestOf(await gzip(cut(text, 3)))).toBe(digest)
  })

  it('calls its compressor by the version that it is compiled from', () => {
    expect(COMPRESSOR).toContain(`libdeflate ${libdeflate.version},`)
  })

  it('makes one member a piece, with neither name nor time', async () => {
    const { members } = await press(cut(text, 4).map(pieceOf))
    expect(members).toHaveLength(4)
    for (const member of members) expect(member.subarray(0, 10).toString('hex')).toBe('1f8b08000000000000ff')
  })

  it('makes real programs no larger than gzip -6 over the whole does, by more than 2%', async () => {
    const tar = execFileSync('sh', ['-c', 'tar -C /usr -cf - bin sbin lib | head -c 16M'], { maxBuffer: 2 ** 26 })
    const whole = execFileSync('gzip', ['-6'], { input: tar, maxBuffer: 2 ** 26 })
    expect((await gzip(cut(tar, 32))).length).toBeLessThan(whole.length * 1.02)
  })

  it('writes what gzip finds whole and reads back', async () => {
    const input = await gzip(cut(text, 5))
    execFileSync('gzip', ['-t'], { input })
    expect(execFileSync('gzip', ['-dc'], { input, maxBuffer: 2 ** 26 }).equals(text)).toBe(true)
  })

  it('puts headers, parts of files from wherever they are, and zeros where they belong', async () => {
    const slices = await sliceFile(text)
    const host = await hostFile(text.subarray(0, 50_000))
    const sparse = new SparseContent(slices, 9000, [
      { at: 100, offset: 5000, size: 50 },
      { at: 4000, offset: 1000, size: 2000 },
    ])
    const header = Buffer.alloc(512, 'h')
    const parts: OwnPiece['parts'] = [
      { kind: 'header', at: 0, bytes: header },
      body(new Slice(slices, 1000, 100), 512),
      { kind: 'header', at: 1024, bytes: header },
      // A neighbour there as here: what lies between comes from neither.
      body(new Slice(slices, 2024, 100), 1536),
      body(host, 2048, 10_000, 5000),
      body(bytesContent(text), 8000, 3000, 2000),
      body(sparse, 10_000, 120, 5000),
      body(new Slice(slices, 7, 0), 15_000),
    ]
    const want = Buffer.alloc(20_000)
    header.copy(want, 0)
    text.copy(want, 512, 1000, 1100)
    header.copy(want, 1024)
    text.copy(want, 1536, 2024, 2124)
    text.copy(want, 2048, 10_000, 15_000)
    text.copy(want, 8000, 3000, 5000)
    text.copy(want, 10_000, 5020, 5050)
    text.copy(want, 10_000 + 3880, 1000, 1000 + 1120)
    const noise = pieceOf(Buffer.alloc(30_000, 'noise'))
    const { raw } = await press([noise, noise, noise, ownPiece(20_000, parts)], { threads: 1 })
    expect(raw.subarray(90_000).equals(want)).toBe(true)
  })

  it('makes a piece that is larger than any usual one', async () => {
    const noise = Buffer.from(Array.from({ length: 3_000_000 }, (_, i) => (i * 2654435761) >>> 13))
    const { raw, gzip } = await press([pieceOf(text), pieceOf(noise)])
    expect(raw.equals(Buffer.concat([text, noise]))).toBe(true)
    expect(execFileSync('gzip', ['-dc'], { input: gzip, maxBuffer: 2 ** 26 }).equals(raw)).toBe(true)
  })

  it('copies members that a blob has, and makes those anew that are damaged or gone: the bytes are the same', async () => {
    const pieces = cut(text, 6).map(pieceOf)
    const path = join(await testFolder(), 'blob')
    const rows: PieceRow[] = []
    let offset = 0
    for await (const { size, row } of pressPieces(pieces, { signal: never, known })) {
      rows.push({ ...row!, offset, size })
      offset += size
    }
    const { gzip, blobs } = await press(pieces)
    expect(blobs).toEqual(pieces.map(() => undefined))
    const found = [{ path, rows: decodePieces(encodePieces(digestOf(gzip), rows), digestOf(gzip))! }]
    const sources = async () => {
      const again = await press(pieces, { known: sharePieces([...found, ...found]) })
      expect(again.gzip.equals(gzip)).toBe(true)
      return again.blobs
    }

    await writeFile(path, gzip)
    expect(await sources()).toEqual([0, 0, 0, 0, 0, 0])
    const damaged = Buffer.from(gzip.subarray(0, -1))
    damaged[rows[2]!.offset + 5000]! ^= 1
    await writeFile(path, damaged)
    expect(await sources()).toEqual([0, 0, undefined, 0, 0, undefined])
    await rm(path)
    expect(await sources()).toEqual(blobs)
  })

  it('opens a content that is no plain file once for all its pieces, and its bytes come in order', async () => {
    let opened = 0
    const content: Content = {
      size: text.length,
      async *open() {
        opened++
        for (let at = 0; at < text.length; at += 70_001) yield text.subarray(at, at + 70_001)
      },
    }
    const pieces = cut(text, 6).map((part, i): Piece => {
      return ownPiece(part.length, [body(content, 0, i * part.length, part.length)])
    })
    expect((await press(pieces)).raw.equals(text)).toBe(true)
    expect(opened).toBe(1)
  })

  const changes: [string, (path: string) => Promise<void>, string][] = [
    ['was touched', (path) => utimes(path, 1000, 1000), 'FILE_CHANGED'],
    ['is gone', async (path) => void execFileSync('rm', [path]), 'FILE_CHANGED'],
    [
      'has become a fifo',
      async (path) => void execFileSync('sh', ['-c', `rm ${path}; mkfifo ${path}`]),
      'FILE_CHANGED',
    ],
  ]
  it.each(changes)('says of a host file that %s what is wrong with it', async (_, change, code) => {
    const file = await hostFile(text.subarray(0, 1000))
    await change(file.path.toString())
    const pieces = [pieceOf(text.subarray(0, 10)), ownPiece(1024, [body(file, 0)])]
    await expect(press(pieces)).rejects.toMatchObject({ code })
  })

  it('says of a file of the store that has become shorter that the store is damaged', async () => {
    const file = await sliceFile(text)
    await truncate(file.path, 100_000)
    const pieces = [ownPiece(1024, [body(new Slice(file, 99_000, 1024), 0)])]
    await expect(press(pieces)).rejects.toMatchObject({ code: 'STORE_CORRUPT' })
  })

  const lying = (size: number, ...chunks: string[]): Content => ({
    size,
    async *open() {
      for (const chunk of chunks) yield Buffer.from(chunk)
    },
  })
  it.each([
    ['fewer', lying(5, 'ab')],
    ['no', lying(5)],
    ['more', lying(5, 'abc', 'def', 'ghi')],
    ['any', lying(0, 'a')],
  ])('stops at a content that gives %s bytes', async (_, content) => {
    const pieces = [ownPiece(512, [body(content, 0)])]
    await expect(press(pieces)).rejects.toMatchObject({ code: 'FILE_CHANGED' })
  })

  it('passes on what its source throws', async () => {
    const broken = new Error('invalid layer')
    function* pieces() {
      yield* cut(text, 5).map(pieceOf)
      throw broken
    }
    await expect(press(pieces())).rejects.toBe(broken)
  })

  it('stops with the reason of the signal', async () => {
    const abort = new AbortController()
    const reason = new Error('interrupted')
    let closed = false
    function* endless() {
      try {
        for (let i = 0; ; i++) {
          if (i === 5) abort.abort(reason)
          yield pieceOf(text.subarray(0, 100_000))
        }
      } finally {
        closed = true
      }
    }
    await expect(press(endless(), { signal: abort.signal })).rejects.toBe(reason)
    expect(closed).toBe(true)
  })

  it('takes no more from its source than a few pieces ahead', async () => {
    let taken = 0
    function* endless() {
      for (;;) {
        taken++
        yield pieceOf(text.subarray(0, 100_000))
      }
    }
    const ahead: number[] = []
    let members = 0
    for await (const _ of pressPieces(endless(), { signal: never, known, threads: 2 })) {
      ahead.push(taken - members++)
      if (members === 20) break
    }
    expect(Math.max(...ahead)).toBeLessThanOrEqual(4)
  })

  it('lets the process end by itself when the iteration is over, or was left in the middle', async () => {
    const url = (name: string) => JSON.stringify(new URL(`../../src/oci/${name}.ts`, import.meta.url).href)
    const script = `
      const { pressPieces } = await import(${url('press-pieces')})
      const { sharePieces } = await import(${url('piece-table')})
      function* pieces() { for (let i = 0; i < 10; i++) yield { kind: 'own', size: 100000, parts: [], isOpen: false } }
      const options = { signal: new AbortController().signal, known: sharePieces([]) }
      for await (const _ of pressPieces(pieces(), options));
      const left = pressPieces(pieces(), options)[Symbol.asyncIterator]()
      await left.next()
      console.log('done')`
    const output = execFileSync(process.execPath, ['--input-type=module', '-e', script], { timeout: 20_000 })
    expect(output.toString()).toBe('done\n')
  })
})
