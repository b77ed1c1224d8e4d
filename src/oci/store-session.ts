import { randomBytes } from 'node:crypto'
import { rmSync } from 'node:fs'
import { link, mkdir, readdir, rename, rm, stat, utimes } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { systemCode } from '../errors.ts'
import { isAlive, markText, ownMark, parseMark } from './process-mark.ts'
import { removeTree } from './remove-tree.ts'

/** A session whose process cannot be asked (another container or machine) is taken for dead after a day's silence. */
const SILENCE = 24 * 60 * 60 * 1000

/**
 * What one open store has for itself under `tmp/`: files and folders in the making, and pins. A pin is a hard link to a
 * file of the store: whatever prunes or replaces that file, this session reads what it found. The folder's name says
 * which process it belongs to, so that what a killed process left is removed by the next one that opens the store.
 */
export class StoreSession {
  readonly folder: string
  readonly #pinned = new Map<string, string>()
  #count = 0

  private constructor(folder: string) {
    this.folder = folder
  }

  /** @param temporary the store's `tmp/` folder */
  static async open(temporary: string): Promise<StoreSession> {
    const folder = join(temporary, newName())
    await mkdir(join(folder, 'pins'), { recursive: true, mode: 0o700 })
    return new StoreSession(folder)
  }

  /** A new path in the session's folder, where nothing is yet. */
  newPath(name: string): string {
    return join(this.folder, `${name}-${this.#count++}`)
  }

  /**
   * Where to read a file of the store from now on until the session ends, and marks it as used now; undefined when it
   * is not there.
   */
  async pin(path: string): Promise<string | undefined> {
    const already = this.#pinned.get(path)
    if (already !== undefined) return already
    const pinned = await this.#link(path, path)
    // A filesystem without hard links, or a file of another user (protected_hardlinks): read where it is.
    if (pinned === path && !(await exists(path))) return undefined
    this.#pinned.set(path, pinned)
    const now = new Date()
    // Another user's file in a shared store: it is used all the same.
    await utimes(path, now, now).catch(() => {})
    return pinned
  }

  /**
   * Publishes a file of this session at `path` and pins it, in such an order that nobody who prunes the store ever finds it
   * unused. What was pinned there before has the same bytes, may be being read, and stays.
   * @param commit gives it its final name
   */
  async publish(file: string, path: string, commit: () => Promise<void>): Promise<void> {
    const pinned = await this.#link(file, path)
    try {
      await commit()
    } catch (error) {
      if (pinned !== file) await rm(pinned, { force: true })
      throw error
    }
    if (!this.#pinned.has(path)) this.#pinned.set(path, pinned === file ? path : pinned)
    else if (pinned !== file) await rm(pinned, { force: true })
  }

  /** The pin of a path, if it has one. */
  pinned(path: string): string | undefined {
    return this.#pinned.get(path)
  }

  /** The file at `path` is another one now, or damaged: the next `pin` looks again. */
  async unpin(path: string): Promise<void> {
    const pinned = this.#pinned.get(path)
    this.#pinned.delete(path)
    if (pinned !== undefined && pinned !== path) await rm(pinned, { force: true })
  }

  async close(): Promise<void> {
    this.#pinned.clear()
    try {
      // Links alone, which no script has seen: one call, and not one after the other over Node's threads.
      rmSync(join(this.folder, 'pins'), { recursive: true, force: true })
    } catch {
      // All of the folder is removed now.
    }
    await removeTree(this.folder)
  }

  /** Another name of a file, after the one that it has or will have in the store; the file itself when it cannot have one. */
  async #link(file: string, path: string): Promise<string> {
    const pinned = join(this.folder, 'pins', `${basename(path)}-${this.#count++}`)
    return await link(file, pinned).then(
      () => pinned,
      () => file,
    )
  }
}

export interface CleanUp {
  /** Sessions that were removed. */
  readonly removed: number
  /** Folders that could not be, with why: a mount in them, files of another user. */
  readonly stuck: readonly { readonly path: string; readonly error: unknown }[]
}

/** Removes the sessions of processes that are gone. Several processes may do so at once. */
export async function removeDeadSessions(temporary: string): Promise<CleanUp> {
  let removed = 0
  const stuck: { path: string; error: unknown }[] = []
  for (const name of await readdir(temporary)) {
    const path = join(temporary, name)
    if (!(await isDead(name, path))) continue
    // Whoever renames it is the one who removes it; if he is killed over it, his mark is on it.
    const claimed = join(temporary, newName())
    try {
      await rename(path, claimed)
      await removeTree(claimed)
      removed++
    } catch (error) {
      if (systemCode(error) !== 'ENOENT') stuck.push({ path: (await exists(claimed)) ? claimed : path, error })
    }
  }
  return { removed, stuck }
}

function newName(): string {
  return `${markText(ownMark())}-${randomBytes(4).toString('hex')}`
}

async function isDead(name: string, path: string): Promise<boolean> {
  const mark = parseMark(name)
  // No session was ever called so: a folder that was there before there was a store in it, with somebody's files.
  if (mark === undefined) return false
  const alive = isAlive(mark)
  if (alive !== 'unknown') return !alive
  const found = await stat(path).catch(() => undefined)
  return found !== undefined && Date.now() - found.mtimeMs > SILENCE
}

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path)
    return true
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return false
    throw error
  }
}
