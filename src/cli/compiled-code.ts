import { lstatSync, type Stats, statSync } from 'node:fs'
import { enableCompileCache } from 'node:module'
import { join, resolve } from 'node:path'
import { makeFoldersSync } from '../oci/make-folders.ts'

const OTHERS_MAY_WRITE = 0o022

/**
 * From now on Node keeps what it compiles (specs, and all that is in no part) in the folder `code` of the store `root`,
 * and does not compile it again. `make`: the store is made if there is none; else nothing is written where none is.
 * Nothing happens in a folder that is not this user's alone to write, because what is in it is executed.
 * NODE_DISABLE_COMPILE_CACHE=1 turns it off. Never throws.
 */
export function keepCompiledCode(root: string, { make = false }: { readonly make?: boolean } = {}): void {
  try {
    // As Store.open makes it.
    if (make) makeFoldersSync(root, 0o700)
    const folder = codeFolder(root)
    if (folder === undefined) return
    makeFoldersSync(folder, 0o700)
    enableCompileCache(folder)
  } catch {
    // A command that needs the store says what is wrong with it; the others need none.
  }
}

/**
 * Where compiled code of the store `root` is; undefined without a store, or where others may write to it or to that
 * folder. Never throws.
 */
export function codeFolder(root: string): string | undefined {
  try {
    if (!isOwn(statSync(root))) return undefined
    const folder = join(resolve(root), 'code')
    const found = lstatSync(folder, { throwIfNoEntry: false })
    return found === undefined || (found.isDirectory() && isOwn(found)) ? folder : undefined
  } catch {
    // As above.
    return undefined
  }
}

/** Whether this user alone may write. */
function isOwn({ uid, mode }: Stats): boolean {
  return uid === process.getuid?.() && (mode & OTHERS_MAY_WRITE) === 0
}
