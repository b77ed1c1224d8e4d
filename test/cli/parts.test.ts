import { existsSync } from 'node:fs'
import { appendFile, mkdir, mkdtemp, readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Parts } from '../../src/cli/parts.ts'
import { smallHeap, usualHeap } from '../../src/cli/small-heap.ts'

const FIRST = `const second = require('./second.cjs')
exports.twice = (text) => second.again(text)
exports.read = (url) => importModule(url)`
const SECOND = `const { join } = require('node:path')
exports.again = (text) => join(text, text)`

let folder = ''
let code = ''

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ocibake-parts-'))
  code = join(folder, 'code')
  await writeFile(join(folder, 'first.cjs'), FIRST)
  await writeFile(join(folder, 'second.cjs'), SECOND)
})

afterEach(() => rm(folder, { recursive: true, force: true }))

interface First {
  twice(text: string): string
  read(url: string): Promise<{ default: unknown }>
}

/** What a process does: loads, calls, and keeps. */
function used(): string {
  const parts = new Parts(folder, { code: () => code, use: 'test' })
  const twice = (parts.load('first.cjs') as First).twice('a')
  parts.keep()
  return twice
}

async function kept(): Promise<[name: string, inode: number][]> {
  const names = (await readdir(code)).sort()
  return Promise.all(names.map(async (name) => [name, (await stat(join(code, name))).ino]))
}

describe('parts', () => {
  it('export what their text says, and require each other, once, and what Node has', () => {
    const parts = new Parts(folder)
    expect((parts.load('first.cjs') as First).twice('a')).toBe('a/a')
    expect(parts.load('first.cjs')).toBe(parts.load('first.cjs'))
  })

  it('import modules of others', async () => {
    const module = await (new Parts(folder).load('first.cjs') as First).read('data:text/javascript,export default 7')
    expect(module.default).toBe(7)
  })

  it('are strict, and what one throws is thrown again', async () => {
    await writeFile(join(folder, 'lax.cjs'), 'undeclared = 1')
    const parts = new Parts(folder)
    for (let i = 0; i < 2; i++) expect(() => parts.load('lax.cjs')).toThrow(/undeclared is not defined/)
  })

  it('are kept compiled, and what is kept is used as long as it fits', async () => {
    used()
    const before = await kept()
    expect(before.map(([name]) => name.replace(/[0-9a-f]+$/, ''))).toEqual(['test-first.cjs-', 'test-second.cjs-'])
    expect(used()).toBe('a/a')
    expect(await kept()).toEqual(before)
  })

  it('are used as they are kept when the heap is kept small meanwhile', async () => {
    used()
    const before = await kept()
    smallHeap()
    try {
      expect(used()).toBe('a/a')
    } finally {
      usualHeap()
    }
    used()
    expect(await kept()).toEqual(before)
  })

  it('are compiled again when their text is another of the same length', async () => {
    used()
    const before = await kept()
    await writeFile(join(folder, 'second.cjs'), SECOND.replace('text, text', "text, 'bb'"))
    expect(used()).toBe('a/bb')
    expect((await kept())[0]).toEqual(before[0])
    expect((await kept())[1]).not.toEqual(before[1])
  })

  it('are compiled again when what is kept is damaged', async () => {
    used()
    const files = (await kept()).map(([name]) => join(code, name))
    const whole = await Promise.all(files.map((file) => readFile(file)))
    for (const [i, file] of files.entries()) {
      const damaged = Buffer.from(whole[i]!)
      damaged[damaged.length >> 1]! ^= 1
      await writeFile(file, damaged)
    }
    const before = await kept()
    await writeFile(files[1]!, whole[1]!.subarray(0, 5))
    expect(used()).toBe('a/a')
    for (const [i, [, inode]] of (await kept()).entries()) expect(inode).not.toBe(before[i]![1])
  })

  it('are kept for few versions of V8, the last ones', async () => {
    await mkdir(code)
    for (const [name, seconds] of [
      ['test-first.cjs-1', 1],
      ['test-first.cjs-2', 3],
      ['test-first.cjs-3', 2],
    ] as const) {
      await writeFile(join(code, name), '')
      await utimes(join(code, name), seconds, seconds)
    }
    used()
    const names = (await kept()).map(([name]) => name).filter((name) => name.startsWith('test-first'))
    expect(names).toHaveLength(3)
    expect(names).toEqual(expect.arrayContaining(['test-first.cjs-2', 'test-first.cjs-3']))
  })

  describe('that were shipped compiled', () => {
    const shipped = () => join(folder, 'shipped')
    const usedAsShipped = () => {
      const parts = new Parts(folder, { code: () => code, shipped: shipped(), use: 'test' })
      const first = parts.load('first.cjs') as First
      parts.keep()
      return first
    }

    beforeEach(async () => {
      const making = new Parts(folder, { code: () => code, called: (name) => `made/${name}`, use: 'test' })
      ;(making.load('first.cjs') as First).twice('a')
      making.keep()
      await mkdir(shipped())
      for (const [name] of await kept())
        await rename(join(code, name), join(shipped(), name.replace(/-[0-9a-f]+$/, '')))
      await rm(code, { recursive: true })
    })

    it('are taken as they are, by the names that they have here', async () => {
      expect(usedAsShipped().twice('a')).toBe('a/a')
      expect(existsSync(code)).toBe(false)
      expect(() => usedAsShipped().twice(1 as unknown as string)).toThrow(
        expect.objectContaining({ stack: expect.stringContaining(join(folder, 'second.cjs')) }),
      )
      for (const name of await readdir(shipped())) {
        expect((await readFile(join(shipped(), name))).includes(folder)).toBe(false)
      }
    })

    it('are compiled and kept when that is damaged, or of another text', async () => {
      await appendFile(join(shipped(), 'test-first.cjs'), 'x')
      await writeFile(join(folder, 'second.cjs'), SECOND.replace('text, text', "text, 'bb'"))
      expect(usedAsShipped().twice('a')).toBe('a/bb')
      expect(await kept()).toHaveLength(2)
    })

    it('give way to what is kept', async () => {
      used()
      const before = await kept()
      await rm(shipped(), { recursive: true })
      expect(usedAsShipped().twice('a')).toBe('a/a')
      expect(await kept()).toEqual(before)
    })
  })

  it('are kept nowhere when there is no folder for it, or it cannot be made', async () => {
    new Parts(folder, { code: () => undefined }).keep()
    await writeFile(code, 'a file')
    expect(used()).toBe('a/a')
    expect(await readFile(code, 'utf8')).toBe('a file')
  })
})
