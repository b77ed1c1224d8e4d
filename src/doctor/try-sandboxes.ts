import { mkdtemp, rmdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { systemCode } from '../errors.ts'
import { silent } from '../events.ts'
import { makeFolders } from '../oci/make-folders.ts'
import { removeTree } from '../oci/remove-tree.ts'
import { sandboxBackends } from '../provision/choose-sandbox.ts'
import type { Sandbox, SandboxRefusal } from '../provision/sandbox.ts'
import type { Examined } from './finding.ts'

/** What came of doing the real thing with one sandbox: it works, or it is refused. */
export interface TriedSandbox {
  readonly name: string
  readonly owners: 'exact' | 'inexact'
  readonly sandbox?: Sandbox
  readonly refusal?: SandboxRefusal
  /** Where it was tried; undefined when no folder can be written. */
  readonly folder: string | undefined
}

const NOWHERE: SandboxRefusal = {
  missing: 'It cannot be tried: neither the cache folder nor the temporary one can be written',
  hint: 'Choose a folder that can be written with --cache-dir.',
}

/** Tries every sandbox in the cache folder, or in the temporary one where that cannot be written. Leaves nothing. */
export async function trySandboxes({ cacheFolder, temporary, env }: Examined): Promise<TriedSandbox[]> {
  const backends = sandboxBackends({ env, allowInexactOwnership: true })
  for (const folder of [cacheFolder, temporary]) {
    await using place = await probeFolder(folder)
    if (place === undefined) continue
    const tried: TriedSandbox[] = []
    for (const { name, owners, probe } of backends) {
      const found = await probe(place.path, silent)
      tried.push({ name, owners, folder, ...('run' in found ? { sandbox: found } : { refusal: found }) })
    }
    return tried
  }
  return backends.map(({ name, owners }) => ({ name, owners, folder: undefined, refusal: NOWHERE }))
}

/** A folder of ours below `parent`, which is made when it is missing, and goes again. Undefined: it cannot be made. */
async function probeFolder(parent: string): Promise<({ readonly path: string } & AsyncDisposable) | undefined> {
  try {
    const made = await makeFolders(parent, 0o700)
    const path = await mkdtemp(join(parent, 'doctor-'))
    const remove = async () => {
      await removeTree(path)
      if (made !== undefined) await removeEmpty(parent, made)
    }
    return { path, [Symbol.asyncDispose]: remove }
  } catch (error) {
    if (systemCode(error) === undefined) throw error
    return undefined
  }
}

/** From `folder` up to `top`; one that a build uses meanwhile stays. */
async function removeEmpty(folder: string, top: string): Promise<void> {
  for (let path = folder; ; path = dirname(path)) {
    const gone = await rmdir(path).then(
      () => true,
      () => false,
    )
    if (!gone || path === top) return
  }
}
