import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { withFolderLock } from '../../src/oci/folder-lock.ts'
import { testFolder } from '../support/folder.ts'

const MODULE = join(import.meta.dirname, '../../src/oci/folder-lock.ts')
const { signal } = new AbortController()

/** A program that takes the lock of `folder`, says so, and then does `work`. */
const holding = (folder: string, work: string) => [
  '--input-type=module',
  '-e',
  `import { withFolderLock } from ${JSON.stringify(MODULE)}
   await withFolderLock(${JSON.stringify(folder)}, new AbortController().signal, async () => { ${work} })`,
]

describe('the lock of a folder', () => {
  it('that a killed process held is free at once', async () => {
    const folder = await testFolder()
    const killed = spawnSync(
      process.execPath,
      holding(folder, `process.kill(process.pid, 'SIGKILL'); await new Promise(() => {})`),
    )
    expect(killed.signal).toBe('SIGKILL')
    expect(await readdir(folder)).toEqual(['.ocibake-lock'])
    expect(await withFolderLock(folder, signal, async () => 'done')).toBe('done')
    expect(await readdir(folder)).toEqual([])
  })

  it('that was taken and not signed before its process was killed is free soon', async () => {
    const folder = await testFolder()
    await writeFile(join(folder, '.ocibake-lock'), '')
    expect(await withFolderLock(folder, signal, async () => 'done')).toBe('done')
    expect(await readdir(folder)).toEqual([])
  }, 15_000)

  it('is waited for while its process lives, and no longer', async () => {
    const folder = await testFolder()
    const work = `console.log('held'); await new Promise((resolve) => setTimeout(resolve, 400)); console.log('freed')`
    const other = spawn(process.execPath, holding(folder, work), { stdio: ['ignore', 'pipe', 'inherit'] })
    let said = ''
    other.stdout.on('data', (chunk: Buffer) => {
      said += chunk
    })
    await once(other.stdout, 'data')
    await withFolderLock(folder, signal, async () => expect(said).toBe('held\nfreed\n'))
  })

  it('is held by one at a time', async () => {
    const folder = await testFolder()
    let inside = 0
    const one = () =>
      withFolderLock(folder, signal, async () => {
        expect(++inside).toBe(1)
        await sleep(5)
        inside--
      })
    await Promise.all(Array.from({ length: 5 }, one))
  })

  it('is given up when the signal aborts', async () => {
    const folder = await testFolder()
    const stop = new AbortController()
    await withFolderLock(folder, signal, async () => {
      const waiting = withFolderLock(folder, stop.signal, async () => {})
      stop.abort(new Error('enough'))
      await expect(waiting).rejects.toThrow('enough')
    })
  })
})
