import { link, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { OcibakeError, systemCode } from '../errors.ts'
import { display, fromText } from './name.ts'
import { isAlive, markText, ownMark, parseMark } from './process-mark.ts'

const NAME = '.ocibake-lock'
const PAUSE = 100
/** Milliseconds to wait for another build that writes to the same folder: it may have gigabytes to write. */
const PATIENCE = 10 * 60 * 1000
/** Milliseconds after which a lock without a name on it will not get one any more. */
const UNSIGNED = 2000

/**
 * Does `work` while no other ocibake does anything in the folder, which must exist. The lock is a file in it that says
 * whose it is; one that a dead process left is removed. What other tools do there it cannot see.
 * @throws OUTPUT_FAILED after ten minutes; the reason of the signal; whatever `work` throws
 */
export async function withFolderLock<T>(folder: string, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  const lock = join(folder, NAME)
  const until = Date.now() + PATIENCE
  while (!(await take(lock))) {
    signal.throwIfAborted()
    if (Date.now() > until) {
      throw new OcibakeError('OUTPUT_FAILED', `Another ocibake has held ${display(fromText(lock))} for ten minutes.`, {
        hint: 'Remove that file if no build is running.',
      })
    }
    await setTimeout(PAUSE)
  }
  try {
    return await work()
  } finally {
    await rm(lock, { force: true })
  }
}

async function take(lock: string): Promise<boolean> {
  try {
    await writeFile(lock, `${markText(ownMark())}\n`, { flag: 'wx' })
    return true
  } catch (error) {
    if (systemCode(error) !== 'EEXIST') throw error
  }
  if (!(await isAbandoned(lock))) return false
  const aside = `${lock}.${markText(ownMark())}`
  await rename(lock, aside).catch(() => {})
  // Of two that saw the same dead lock, the slower one has now moved the lock of the other: it gets it back.
  if (!(await isAbandoned(aside))) await link(aside, lock).catch(() => {})
  await rm(aside, { force: true })
  return false
}

/** Whether the process that made the lock is gone, or was killed before it had signed it. */
async function isAbandoned(lock: string): Promise<boolean> {
  try {
    const owner = parseMark((await readFile(lock, 'latin1')).trim())
    return owner === undefined ? Date.now() - (await stat(lock)).mtimeMs > UNSIGNED : isAlive(owner) === false
  } catch {
    // Gone by now, or another user's.
    return false
  }
}
