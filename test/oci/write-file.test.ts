import { spawnSync } from 'node:child_process'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { writeFileAtomically } from '../../src/oci/write-file.ts'
import { testFolder } from '../support/folder.ts'

const MODULE = join(import.meta.dirname, '../../src/oci/write-file.ts')

/** A process that is killed in the middle of writing a file. */
function killedWhileWriting(path: string): void {
  const program = `
    import { writeFileAtomically } from ${JSON.stringify(MODULE)}
    async function* bytes() {
      yield Buffer.from('half')
      process.kill(process.pid, 'SIGKILL')
      await new Promise(() => {})
    }
    await writeFileAtomically(${JSON.stringify(path)}, bytes())`
  const { signal } = spawnSync(process.execPath, ['--input-type=module', '-e', program])
  expect(signal).toBe('SIGKILL')
}

describe('writing a file wholly or not at all', () => {
  it('removes what killed processes left of it, and nothing else', async () => {
    const folder = await testFolder()
    const path = join(folder, 'image.tar')
    await writeFile(path, 'older')
    killedWhileWriting(path)
    killedWhileWriting(path)
    killedWhileWriting(join(folder, 'another.tar'))
    await writeFile(join(folder, '.image.tar.mine.partial'), '')
    expect(await readFile(path, 'utf8')).toBe('older')
    expect((await readdir(folder)).filter((name) => name.startsWith('.image.tar.'))).toHaveLength(2)
    await writeFileAtomically(path, Buffer.from('newer'))
    expect(await readFile(path, 'utf8')).toBe('newer')
    expect((await readdir(folder)).sort()).toEqual([
      expect.stringMatching(/^\.another\.tar\..*\.partial$/),
      '.image.tar.mine.partial',
      'image.tar',
    ])
  })

  it('lets two write the same file at once', async () => {
    const path = join(await testFolder(), 'image.tar')
    const texts = ['one', 'two', 'three', 'four']
    await Promise.all(texts.map((text) => writeFileAtomically(path, Buffer.from(text))))
    expect(texts).toContain(await readFile(path, 'utf8'))
    expect(await readdir(join(path, '..'))).toEqual(['image.tar'])
  })
})
