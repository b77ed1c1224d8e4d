import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import { describe, expect, it } from 'vitest'
import { nativeCode } from '../../src/oci/native-code.ts'
import { HAS_SHA } from '../support/has-sha.ts'

const ADDON = new URL(`../../native/bin/${process.platform}-${process.arch}/ocibake.node`, import.meta.url)
const SOURCE = new URL('../../src/oci/native-code.ts', import.meta.url)

/** Tables of needles that say nothing of them: see native/addon/search.c. */
function tables(count: number, width = 4): Uint8Array {
  const bytes = new Uint8Array(16 + 128 + 8192 + 16 * count)
  bytes.set([width], 0)
  bytes.set([count], 4)
  return bytes
}

/** Bytes that another thread got. */
function gone(size: number): Uint8Array {
  const bytes = new Uint8Array(size)
  structuredClone(bytes, { transfer: [bytes.buffer] })
  return bytes
}

describe('nativeCode', () => {
  it('is there when it was built, in threads as well', async () => {
    expect(nativeCode()).toBeDefined()
    expect(nativeCode()).toBe(nativeCode())
    const program = `import(${JSON.stringify(SOURCE.href)}).then(({ nativeCode }) =>
      require('node:worker_threads').parentPort.postMessage(nativeCode().bound(1000)))`
    const thread = new Worker(program, { eval: true })
    const answer = await new Promise((resolve, reject) => thread.on('message', resolve).on('error', reject))
    await thread.terminate()
    expect(answer).toBe(nativeCode()!.bound(1000))
  })

  it('is not there when Node loads no addons', () => {
    const program = `const { nativeCode } = await import(${JSON.stringify(SOURCE.href)}); console.log(nativeCode())`
    const said = execFileSync(process.execPath, ['--no-addons', '--input-type=module', '-e', program], {
      encoding: 'utf8',
    })
    expect(said.trim()).toBe('undefined')
  })

  it.each([
    ['does not load', 'throw new Error(file)'],
    ['is an older one, which has fewer functions', 'module.exports.bound = module.exports.deflate = () => 0'],
    ['has nothing', ''],
  ])('is not there when the file %s, for which it is loaded once', (_, does) => {
    const program = `let times = 0
      process.dlopen = (module, file) => { times++; ${does} }
      const { nativeCode } = await import(${JSON.stringify(SOURCE.href)})
      console.log(nativeCode(), nativeCode(), nativeCode(), times)`
    const said = execFileSync(process.execPath, ['--input-type=module', '-e', program], { encoding: 'utf8' })
    expect(said.trim()).toBe('undefined undefined undefined 1')
  })

  it('does not load where a function is missing that it calls, rather than end the process at the call', () => {
    const dynamic = execFileSync('readelf', ['--dynamic', fileURLToPath(ADDON)], { encoding: 'utf8' })
    expect(dynamic).toMatch(/\(FLAGS_1\).*NOW/)
  })

  it('needs no library: it loads beside any C library', () => {
    const dynamic = execFileSync('readelf', ['--dynamic', fileURLToPath(ADDON)], { encoding: 'utf8' })
    expect(dynamic).not.toContain('NEEDED')
  })

  it.each([
    ['no arguments', []],
    ['no bytes', [1, 2, 3]],
    ['bytes of another kind', [new Uint16Array(10), new Uint8Array(1000), 0]],
    ['no room', [new Uint8Array(10), new Uint8Array(10), 0]],
    ['a place behind the end', [new Uint8Array(10), new Uint8Array(1000), 1001]],
    ['a place before the beginning', [new Uint8Array(10), new Uint8Array(1000), -1]],
  ])('refuses %s', (_, given) => {
    const { deflate, open } = nativeCode()!
    for (const method of [deflate, open]) expect(() => Reflect.apply(method, undefined, given)).toThrow(RangeError)
  })

  it.each([
    ['no memory', new Uint16Array(1000), [0, 0, 0, 30_000, 0, 30_000]],
    ['memory without room for the tables', new Uint8Array(20_000), [0, 0, 0, 0, 0, 0]],
    ['tables that are no words', new Uint8Array(new ArrayBuffer(50_001), 1), [0, 0, 0, 30_000, 0, 30_000]],
    ['too few numbers', new Uint8Array(50_000), [0, 0, 0, 30_000, 0]],
    ['input behind the memory', new Uint8Array(50_000), [50_000, 0, 40_000, 30_000, 40_000, 30_000]],
    ['a bit that no byte has', new Uint8Array(50_000), [0, 8, 40_000, 30_000, 40_000, 30_000]],
    ['input that is looked at behind the memory', new Uint8Array(50_000), [0, 0, 49_985, 30_000, 40_000, 30_000]],
    ['output behind the memory', new Uint8Array(50_000), [0, 0, 40_000, 30_000, 49_681, 30_000]],
    ['output into the tables', new Uint8Array(50_000), [0, 0, 40_000, 20_000, 40_000, 20_000]],
    ['output that begins behind the memory', new Uint8Array(50_000), [0, 0, 40_000, 50_001, 40_000, 30_000]],
    ['output before its beginning', new Uint8Array(50_000), [0, 0, 40_000, 30_000, 40_000, 30_001]],
  ])('does not inflate with %s', (_, memory, at) => {
    const inflate: unknown = nativeCode()!.inflate
    expect(() => Reflect.apply(inflate as () => void, undefined, [memory, Uint32Array.from(at)])).toThrow(RangeError)
  })

  it('reads no codes behind the memory', () => {
    const memory = new Uint8Array(50_000)
    expect(nativeCode()!.codes(memory, 8 * (50_000 - 608))).toBe(0)
    for (const bit of [8 * (50_000 - 607), 2 ** 32, -1]) {
      expect(() => nativeCode()!.codes(memory, bit)).toThrow(RangeError)
    }
  })

  it.each([
    ['no room for a hit of each needle', tables(2), new Uint32Array(4)],
    ['hits that are no words', tables(1), new Uint8Array(100)],
    ['no tables', new Uint8Array(100), new Uint32Array(100)],
    ['tables with more needles than there is room for', tables(3).subarray(0, -1), new Uint32Array(100)],
    ['tables of keys that are too long', tables(1, 5), new Uint32Array(100)],
    ['tables that are no words', new Uint8Array(new ArrayBuffer(10_001), 1), new Uint32Array(100)],
  ])('does not search with %s', (_, tables, hits) => {
    const { search } = nativeCode()!
    const bytes = new Uint8Array(10)
    expect(() => Reflect.apply(search, undefined, [bytes, 0, 10, tables, hits, 0])).toThrow(RangeError)
  })

  it.each([
    ['no state', []],
    ['a state that is too short', [new Uint8Array(103)]],
    ['a state that is too long', [new Uint8Array(105)]],
    ['a state of another kind', [new Uint32Array(26)]],
    ['a state whose memory is gone', [gone(104)]],
  ])('takes %s for none of SHA-256', (_, given) => {
    const { sha256Start, sha256Update, sha256End } = nativeCode()!
    expect(() => Reflect.apply(sha256Start, undefined, given)).toThrow(RangeError)
    for (const method of [sha256Update, sha256End]) {
      expect(() => Reflect.apply(method, undefined, [...given, new Uint8Array(32)])).toThrow(RangeError)
    }
  })

  it.each([
    ['too short', new Uint8Array(31)],
    ['too long', new Uint8Array(33)],
    ['of another kind', new Uint32Array(8)],
    ['not there', undefined],
  ])('sets no SHA-256 in an array that is %s', (_, into) => {
    const { sha256End } = nativeCode()!
    expect(() => Reflect.apply(sha256End, undefined, [new Uint8Array(104), into])).toThrow(RangeError)
  })

  it('has SHA-256 for some processors only, and refuses it on others', () => {
    const { hasSha256, plain } = nativeCode()!
    expect([hasSha256, plain.hasSha256]).toEqual([HAS_SHA, false])
    expect(() => plain.sha256Start(new Uint8Array(104))).toThrow(RangeError)
    expect(() => plain.sha256Update(new Uint8Array(104), new Uint8Array(1000))).toThrow(RangeError)
    expect(() => plain.sha256End(new Uint8Array(104), new Uint8Array(32))).toThrow(RangeError)
  })

  it('changes nothing of what it has not just deflated', () => {
    const { bound, deflate, open } = nativeCode()!
    const [raw, into] = [Buffer.from('some words, some words, some words'), new Uint8Array(1000)]
    const size = deflate(raw, into, 100)
    const before = Buffer.from(into)
    for (const [bytes, at] of [
      [raw, 101],
      [raw.subarray(1), 100],
    ] as const) {
      expect(open(bytes, into, at)).toBe(0)
      expect(before.equals(into)).toBe(true)
    }
    expect(bound(raw.length)).toBeGreaterThanOrEqual(size)
    expect(open(raw, into, 100)).toBeGreaterThan(size)
  })
})
