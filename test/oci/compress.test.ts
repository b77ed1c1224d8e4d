import { execFileSync } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { compressPieces } from '../../src/oci/compress.ts'
import { digestOf } from '../../src/oci/digest.ts'
import { collect, wordy } from '../support/bytes.ts'
import { testFolder } from '../support/folder.ts'
import { Random } from '../support/random-tree.ts'

const text = wordy(new Random(3), 6_000_000)
const cut = (bytes: Buffer, count: number) =>
  Array.from({ length: count }, (_, i) => bytes.subarray((bytes.length / count) * i, (bytes.length / count) * (i + 1)))

async function* listed(pieces: readonly Uint8Array[]): AsyncGenerator<Uint8Array[]> {
  for (const piece of pieces) yield [piece.subarray(0, 10), piece.subarray(10)]
}

const gzip = (pieces: readonly Uint8Array[], threads?: number) =>
  collect(compressPieces(listed(pieces), { compression: 'gzip', ...(threads === undefined ? {} : { threads }) }))

describe('compressPieces', { timeout: 60_000 }, () => {
  it('gives the same gzip bytes with any number of threads', async () => {
    const pieces = cut(text, 12)
    const one = await gzip(pieces, 1)
    for (const threads of [2, 4, undefined]) expect((await gzip(pieces, threads)).equals(one)).toBe(true)
  })

  it('gives bytes that never change, on any machine', async () => {
    const never = 'sha256:9a64c8de2002897598839cb34b297c1aba09aead8bd89c0f0b5e23344df2fd74'
    expect(digestOf(await gzip(cut(text, 3)))).toBe(never)
  })

  it('makes one member a piece, with neither name nor time', async () => {
    const members = await Promise.all(cut(text, 4).map((piece) => gzip([piece])))
    for (const member of members) expect(member.subarray(0, 10).toString('hex')).toBe('1f8b08000000000000ff')
    expect(Buffer.concat(members).equals(await gzip(cut(text, 4)))).toBe(true)
  })

  it('makes real programs no larger than gzip -6 over the whole does, by more than 2%', async () => {
    const tar = execFileSync('sh', ['-c', 'tar -C /usr -cf - bin sbin lib | head -c 16M'], { maxBuffer: 2 ** 26 })
    const whole = execFileSync('gzip', ['-6'], { input: tar, maxBuffer: 2 ** 26 })
    expect((await gzip(cut(tar, 32))).length).toBeLessThan(whole.length * 1.02)
  })

  it.each([
    ['gzip', 'gzip', ['-t'], ['-dc']],
    ['zstd', 'zstd', ['-t'], ['-dc']],
  ] as const)('writes %s that its own tool finds whole and reads back', async (compression, tool, test, read) => {
    const file = join(await testFolder(), 'file')
    await writeFile(file, await collect(compressPieces(listed(cut(text, 5)), { compression })))
    const input = { maxBuffer: 2 ** 26, input: execFileSync('cat', [file], { maxBuffer: 2 ** 26 }) }
    execFileSync(tool, test, { ...input, stdio: 'pipe' })
    expect(execFileSync(tool, read, input).equals(text)).toBe(true)
  })

  it('leaves the bytes alone without compression', async () => {
    const bytes = await collect(compressPieces(listed(cut(text, 5)), { compression: 'none' }))
    expect(bytes.equals(text)).toBe(true)
  })

  it('leaves the pieces as they were', async () => {
    const copy = Buffer.from(text)
    await gzip(cut(copy, 5))
    expect(copy.equals(text)).toBe(true)
  })

  it.each(['gzip', 'zstd'] as const)('makes a valid empty %s of nothing at all', async (compression) => {
    const bytes = await collect(compressPieces(listed([]), { compression }))
    expect(execFileSync(compression, ['-dc'], { input: bytes })).toHaveLength(0)
  })

  it.each(['gzip', 'zstd', 'none'] as const)('passes on what its source throws (%s)', async (compression) => {
    const broken = new Error('file changed')
    async function* pieces() {
      yield* listed(cut(text, 5))
      throw broken
    }
    await expect(collect(compressPieces(pieces(), { compression }))).rejects.toBe(broken)
  })

  it.each(['gzip', 'zstd', 'none'] as const)('stops with the reason of the signal (%s)', async (compression) => {
    const abort = new AbortController()
    const reason = new Error('interrupted')
    let closed = false
    async function* endless() {
      try {
        for (let i = 0; ; i++) {
          if (i === 5) abort.abort(reason)
          yield [text.subarray(0, 100_000)]
        }
      } finally {
        closed = true
      }
    }
    const bytes = compressPieces(endless(), { compression, signal: abort.signal })
    await expect(collect(bytes)).rejects.toBe(reason)
    expect(closed).toBe(true)
  })

  it('takes no more from its source than a few pieces ahead', async () => {
    let taken = 0
    async function* endless() {
      for (;;) {
        taken++
        yield [text.subarray(0, 100_000)]
      }
    }
    const ahead: number[] = []
    let members = 0
    for await (const _ of compressPieces(endless(), { compression: 'gzip', threads: 2 })) {
      ahead.push(taken - members++)
      if (members === 20) break
    }
    expect(Math.max(...ahead)).toBeLessThanOrEqual(4)
  })

  it('lets the process end by itself when the iteration is over, or was left in the middle', async () => {
    const url = JSON.stringify(new URL('../../src/oci/compress.ts', import.meta.url).href)
    const script = `
      const { compressPieces } = await import(${url})
      async function* pieces() { for (let i = 0; i < 10; i++) yield [Buffer.alloc(100000, i)] }
      for await (const _ of compressPieces(pieces(), { compression: 'gzip' }));
      const left = compressPieces(pieces(), { compression: 'gzip' })[Symbol.asyncIterator]()
      await left.next()
      console.log('done')`
    const output = execFileSync(process.execPath, ['--input-type=module', '-e', script], { timeout: 20_000 })
    expect(output.toString()).toBe('done\n')
  })
})
