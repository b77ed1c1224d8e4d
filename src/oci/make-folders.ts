import { mkdirSync, type Stats, statSync } from 'node:fs'
import { mkdir, rmdir, stat } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { systemCode } from '../errors.ts'

/**
 * Makes a host folder and those above it. @returns the first that was made, undefined when all were there
 * @throws the system's error for the first folder that could not be made: Node's own recursive mkdir says ENOENT for most
 * of them, and never ends where a filesystem answers ENOENT although the folder above is there, as /proc does
 */
export async function makeFolders(path: string, mode = 0o777): Promise<string | undefined> {
  const folder = resolve(path)
  const found = await stat(folder).catch(systemCode)
  if (isFolder(found)) return undefined
  const first = found === 'ENOENT' ? await makeFolders(dirname(folder), mode) : undefined
  try {
    await mkdir(folder, mode)
    return first ?? folder
  } catch (error) {
    // Somebody else may have just made it.
    if (isFolder(await stat(folder).catch(systemCode))) return first
    throw error
  }
}

/** `makeFolders` while everything else waits. */
export function makeFoldersSync(path: string, mode = 0o777): void {
  const folder = resolve(path)
  const found = statSync(folder, { throwIfNoEntry: false })
  if (found?.isDirectory()) return
  if (found === undefined) makeFoldersSync(dirname(folder), mode)
  try {
    mkdirSync(folder, { mode })
  } catch (error) {
    if (!statSync(folder, { throwIfNoEntry: false })?.isDirectory()) throw error
  }
}

function isFolder(found: Stats | string | undefined): boolean {
  return typeof found === 'object' && found.isDirectory()
}

/**
 * What `work` comes to in a host folder, which is made for it, with those above it, if it is not there. Folders that were
 * made are gone again if it fails, as far as they are empty. @throws as `makeFolders`; what `work` throws
 */
export async function withFolders<T>(path: string, work: () => Promise<T>): Promise<T> {
  const folder = resolve(path)
  const first = await makeFolders(folder)
  try {
    return await work()
  } catch (error) {
    for (const made of first === undefined ? [] : foldersFrom(first, folder)) await rmdir(made).catch(() => {})
    throw error
  }
}

/** As `withFolders`; what was made is gone again in any case. */
export async function onceWithFolders(path: string, work: () => Promise<void>): Promise<void> {
  const folder = resolve(path)
  const first = await makeFolders(folder)
  try {
    await work()
  } finally {
    for (const made of first === undefined ? [] : foldersFrom(first, folder)) await rmdir(made).catch(() => {})
  }
}

/** The folders that mkdir made, the innermost first. */
function foldersFrom(first: string, last: string): string[] {
  const made = [last]
  while (made.at(-1) !== first && made.at(-1)!.length > first.length) made.push(resolve(made.at(-1)!, '..'))
  return made
}
