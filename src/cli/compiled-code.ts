import { mkdirSync, statSync } from 'node:fs'
import { enableCompileCache } from 'node:module'
import { join, resolve } from 'node:path'

const OTHERS_MAY_WRITE = 0o022

/**
 * From now on Node keeps what it compiles (libraries, our own code, specs) in the folder `code` of the store `root`,
 * and does not compile it again: that is half of a command's start. `make`: the store is made if there is none; else
 * nothing is written where none is. Nothing happens in a folder that is not this user's alone to write, because what
 * is in it is executed. NODE_DISABLE_COMPILE_CACHE=1 turns it off. Never throws.
 */
export function keepCompiledCode(root: string, { make = false }: { readonly make?: boolean } = {}): void {
  try {
    // As Store.open makes it.
    if (make) mkdirSync(root, { recursive: true, mode: 0o700 })
    const { uid, mode } = statSync(root)
    if (uid === process.getuid?.() && (mode & OTHERS_MAY_WRITE) === 0) enableCompileCache(join(resolve(root), 'code'))
  } catch {
    // A command that needs the store says what is wrong with it; the others need none.
  }
}
