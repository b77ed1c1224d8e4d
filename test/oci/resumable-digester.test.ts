import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { Worker } from 'node:worker_threads'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { digestOf } from '../../src/oci/digest.ts'
import { nativeCode } from '../../src/oci/native-code.ts'
import { canResumeDigests, ResumableDigester } from '../../src/oci/resumable-digester.ts'
import { fuzz } from '../support/fuzz.ts'
import { noise } from '../support/gzip-samples.ts'
import { HAS_SHA } from '../support/has-sha.ts'
import { Random } from '../support/random-tree.ts'

const SOURCE = new URL('../../src/oci/resumable-digester.ts', import.meta.url)
const SIZE = 1 << 20
const bytes = noise(new Random(11), SIZE)
const place = fc.oneof(fc.integer({ min: 0, max: SIZE }), fc.integer({ min: 0, max: 300 }))

function fed(...parts: readonly Uint8Array[]): ResumableDigester {
  const digester = new ResumableDigester()
  for (const part of parts) digester.update(part)
  return digester
}

/** What a digester says that goes on from a state in a thread of its own. */
async function digestInThread(state: Uint8Array, rest: Uint8Array): Promise<unknown> {
  const program = `const { parentPort, workerData: { state, rest } } = require('node:worker_threads')
    import(${JSON.stringify(SOURCE.href)}).then(({ ResumableDigester }) => {
      const digester = ResumableDigester.resume(state)
      digester.update(rest)
      parentPort.postMessage([digester.digest(), digester.size])
    })`
  const thread = new Worker(program, { eval: true, workerData: { state, rest } })
  const answer = await new Promise((resolve, reject) => thread.on('message', resolve).on('error', reject))
  await thread.terminate()
  return answer
}

it('there are resumable digesters where the processor has the SHA extensions, and nowhere else', () => {
  expect(canResumeDigests()).toBe(HAS_SHA)
  if (HAS_SHA) expect(new ResumableDigester().size).toBe(0)
  else expect(() => new ResumableDigester()).toThrow('no resumable sha256')
  expect(ResumableDigester.resume(new Uint8Array(104)) !== undefined).toBe(HAS_SHA)
})

it('there are no resumable digesters where Node loads no addons', () => {
  const program = `const { canResumeDigests, ResumableDigester } = await import(${JSON.stringify(SOURCE.href)})
    let made = true
    try { new ResumableDigester() } catch { made = false }
    console.log(canResumeDigests(), made, ResumableDigester.resume(new Uint8Array(104)))`
  const said = execFileSync(process.execPath, ['--no-addons', '--input-type=module', '-e', program], {
    encoding: 'utf8',
  })
  expect(said.trim()).toBe('false false undefined')
})

describe.runIf(HAS_SHA)('a resumable digester', () => {
  // FIPS 180-2, B.1 to B.3: FIPS 180-4 leaves its examples to NIST's site.
  it.each([
    ['one block', 'abc', 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'],
    [
      'two blocks',
      'abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq',
      '248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1',
    ],
    ['a million letters', 'a'.repeat(1e6), 'cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0'],
  ])('gives the digest of the standard for %s', (_, text, hex) => {
    expect(fed(Buffer.from(text)).digest()).toBe(`sha256:${hex}`)
  })

  it('gives the digest of any number of bytes, wherever they begin', () => {
    for (let size = 0; size <= 300; size++) {
      const part = bytes.subarray(size, 2 * size)
      const digester = fed(part)
      expect([digester.digest(), digester.size]).toEqual([digestOf(part), size])
    }
  })

  it('gives the same digest and the same state however the bytes are cut, resumed at any of the cuts', () => {
    fc.assert(
      fc.property(place, fc.array(fc.tuple(place, fc.boolean()), { maxLength: 8 }), (size, cuts) => {
        const all = bytes.subarray(0, size)
        const sorted = cuts.map(([at, resumed]) => [Math.min(at, size), resumed] as const).sort(([a], [b]) => a - b)
        let digester = new ResumableDigester()
        let from = 0
        for (const [at, resumed] of [...sorted, [size, false] as const]) {
          digester.update(all.subarray(from, at))
          if (resumed) digester = ResumableDigester.resume(digester.state())!
          expect(digester.size).toBe(at)
          from = at
        }
        expect(digester.digest()).toBe(digestOf(all))
        expect(Buffer.from(digester.state())).toEqual(Buffer.from(fed(all).state()))
      }),
      fuzz(300),
    )
  })

  it('is resumed at every place in a block, up to every place of another', () => {
    for (let at = 0; at <= 128; at++) {
      const state = fed(bytes.subarray(0, at)).state()
      for (let to = at; to <= 192; to++) {
        const resumed = ResumableDigester.resume(state)!
        resumed.update(bytes.subarray(at, to))
        expect(resumed.digest()).toBe(digestOf(bytes.subarray(0, to)))
      }
    }
  })

  it.each([0, 63, 64, 100_001])('is resumed after %i bytes in another thread', async (at) => {
    const state = fed(bytes.subarray(0, at)).state()
    expect(await digestInThread(state, bytes.subarray(at))).toEqual([digestOf(bytes), SIZE])
  })

  it('counts bits past 2^32, before and after it is resumed', () => {
    const times = 2 ** 32 / 8 / SIZE
    const hash = createHash('sha256')
    let digester = new ResumableDigester()
    for (let i = 0; i <= times; i++) {
      if (i === times - 1 || i === times) digester = ResumableDigester.resume(digester.state())!
      for (const either of [hash, digester]) either.update(bytes)
    }
    expect(digester.size).toBe(2 ** 29 + SIZE)
    expect(digester.digest()).toBe(`sha256:${hash.digest('hex')}`)
  })

  it('keeps a state that was given away, and the one it was resumed from, as they are', () => {
    const digester = fed(bytes.subarray(0, 100))
    const state = digester.state()
    const before = Buffer.from(state)
    digester.update(bytes)
    ResumableDigester.resume(state)!.update(bytes)
    expect(before.equals(state)).toBe(true)
    state.fill(0)
    expect(digester.digest()).toBe(digestOf(Buffer.concat([bytes.subarray(0, 100), bytes])))
  })

  it('says the digest so far, and goes on', () => {
    const digester = fed(bytes.subarray(0, 1000))
    for (let twice = 0; twice < 2; twice++) expect(digester.digest()).toBe(digestOf(bytes.subarray(0, 1000)))
    digester.update(bytes.subarray(1000))
    expect(digester.digest()).toBe(digestOf(bytes))
  })

  it('takes bytes, and a state, in memory that threads share, wherever they begin', () => {
    const shared = new Uint8Array(new SharedArrayBuffer(SIZE + 200))
    for (let at = 0; at < 70; at++) {
      const part = shared.subarray(at, at + 1000 + 3 * at)
      part.set(bytes.subarray(0, part.length))
      const state = shared.subarray(SIZE + at, SIZE + at + 104)
      state.set(fed(part).state())
      const resumed = ResumableDigester.resume(state)!
      resumed.update(part)
      expect(resumed.digest()).toBe(digestOf(Buffer.concat([part, part])))
    }
  })

  it.each([
    ['is empty', () => new Uint8Array()],
    ['is a byte short', () => fed(bytes).state().subarray(1)],
    ['has a byte more', () => Buffer.concat([fed(bytes).state(), Buffer.alloc(1)])],
    ['has more bytes than a number can say', () => fed(bytes).state().fill(0xff, 38, 40)],
    ['has bytes that are not of a block', () => fed(bytes.subarray(0, 63)).state().fill(1, 103)],
  ])('is not resumed from a state that %s', (_, state) => {
    expect(ResumableDigester.resume(state())).toBeUndefined()
  })

  it('touches nothing beside a state with anything in it, and the digest', () => {
    const code = nativeCode()!
    const anything = fc.uint8Array({ minLength: 104, maxLength: 104 })
    fc.assert(
      fc.property(anything, place, fc.nat(63), (garbage, size, at) => {
        const memory = new Uint8Array(400).fill(7)
        const state = memory.subarray(100 + at, 204 + at)
        const into = memory.subarray(300, 332)
        state.set(garbage)
        code.sha256Update(state, bytes.subarray(0, size))
        code.sha256End(state, into)
        for (const used of [state, into]) used.fill(7)
        expect(memory.every((byte) => byte === 7)).toBe(true)
      }),
      fuzz(300),
    )
  })

  it('starts in a state whatever was in it', () => {
    const state = new Uint8Array(104).fill(255)
    nativeCode()!.sha256Start(state)
    expect(Buffer.from(state)).toEqual(Buffer.from(new ResumableDigester().state()))
  })
})
