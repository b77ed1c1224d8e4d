import { randomBytes } from 'node:crypto'
import { lstat, open, readdir, realpath, rename, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { messageOf, OcibakeError, systemCode } from '../errors.ts'
import { onceWithFolders, withFolders } from './make-folders.ts'
import { display, fromText } from './name.ts'
import { isAlive, markText, ownMark, parseMark } from './process-mark.ts'

/**
 * Makes or replaces the file at `path` with these bytes, wholly or not at all: they are written beside the target,
 * flushed to the disk, then renamed. A symlink stays one and its target is replaced. If anything fails, the old file
 * is as it was and nothing new is there; what a killed process left of it is removed by the next one. `mode` is that of
 * the file in any case, less the umask.
 * @throws DISK_FULL; OUTPUT_FAILED for what else the system refuses and for a target that is no regular file; whatever
 * `bytes` throws that is not the system's
 */
export async function writeFileAtomically(
  path: string,
  bytes: AsyncIterable<Uint8Array> | Uint8Array,
  mode = 0o666,
): Promise<void> {
  try {
    const target = await replaceable(path)
    await removeAbandoned(dirname(target), prefixOf(target))
    const partial = partialOf(target)
    try {
      await using file = await open(partial, 'wx', mode)
      await file.writeFile(bytes)
      await file.sync()
      await rename(partial, target)
    } catch (error) {
      await rm(partial, { force: true })
      throw error
    }
    await syncFolder(dirname(target))
  } catch (error) {
    throw outputError(error, path)
  }
}

/** `writeFileAtomically` in a folder that is made for it, and gone again if that fails. @throws as that does */
export async function writeWithFolder(path: string, bytes: Uint8Array): Promise<void> {
  try {
    await withFolders(dirname(path), () => writeFileAtomically(path, bytes))
  } catch (error) {
    throw outputError(error, path)
  }
}

/**
 * Finds what `writeWithFolder` would fail over whatever the bytes are, and leaves everything as it was.
 * @throws OUTPUT_FAILED, DISK_FULL
 */
export async function checkWritable(path: string): Promise<void> {
  try {
    const partial = partialOf(await replaceable(path))
    await onceWithFolders(dirname(path), async () => {
      const file = await open(partial, 'wx')
      await file.close()
      await rm(partial)
    })
  } catch (error) {
    throw outputError(error, path)
  }
}

const prefixOf = (target: string) => `.${basename(target).slice(0, 40)}.`

/** Where the bytes are until all of them are there. */
function partialOf(target: string): string {
  const name = `${prefixOf(target)}${markText(ownMark())}-${randomBytes(6).toString('hex')}.partial`
  return join(dirname(target), name)
}

/** What killed builds left of the same output: nobody else would ever look for it. */
async function removeAbandoned(folder: string, prefix: string): Promise<void> {
  // A folder may be for writing only.
  for (const name of await readdir(folder).catch(() => [])) {
    if (!name.startsWith(prefix) || !name.endsWith('.partial')) continue
    const mark = parseMark(name.slice(prefix.length))
    if (mark !== undefined && isAlive(mark) === false) await rm(join(folder, name), { force: true })
  }
}

/** An error of the system while writing to `path` as one of ours; any other error as it is. */
export function outputError(error: unknown, path: string): unknown {
  const code = systemCode(error)
  if (error instanceof OcibakeError || code === undefined || !/^E[A-Z0-9]+$/.test(code)) return error
  const shown = display(fromText(path))
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    const hint = 'Make room there, or write to another disk.'
    return new OcibakeError('DISK_FULL', `No space is left to write ${shown}.`, { hint, cause: error })
  }
  // Where not even the folder can be made, nobody has to be told to make it.
  const isMissing = code === 'ENOENT' && !(error instanceof Error && 'syscall' in error && error.syscall === 'mkdir')
  const hint = isMissing ? { hint: `Make the folder first: mkdir -p ${display(fromText(dirname(path)))}` } : {}
  return new OcibakeError('OUTPUT_FAILED', `Cannot write ${shown}: ${messageOf(error)}.`, { ...hint, cause: error })
}

/** Flushes a folder's list of names, which a rename has changed. */
async function syncFolder(folder: string): Promise<void> {
  await using handle = await open(folder, 'r')
  await handle.sync()
}

async function replaceable(path: string): Promise<string> {
  const found = await lstat(path).catch((error: unknown) => {
    if (systemCode(error) === 'ENOENT') return undefined
    throw error
  })
  if (found === undefined || found.isFile()) return path
  if (found.isSymbolicLink()) {
    const real = await realpath(path)
    if ((await lstat(real)).isFile()) return real
  }
  throw new OcibakeError(
    'OUTPUT_FAILED',
    `${display(fromText(path))} is no regular file; an output replaces only those.`,
    { hint: 'Name a file that does not exist, or one to be replaced.' },
  )
}
