import { messageOf, OcibakeError, systemCode } from '../errors.ts'
import type { Report } from '../events.ts'
import type { EarlyScan } from './early-scan.ts'
import { makeFolders } from './make-folders.ts'
import { storePaths } from './store-paths.ts'
import { type CleanUp, removeDeadSessions, StoreSession } from './store-session.ts'
import { writeError } from './write-error.ts'

export interface StoreOptions {
  /** Default: nobody hears of it. */
  readonly report?: Report
  /** A thread that was started before, for which the store has use. */
  readonly early?: EarlyScan | undefined
}

/**
 * Makes the folders of a store that are missing, and removes what dead processes left in it.
 * @param root absolute
 * @returns a session of its own @throws DISK_FULL; OUTPUT_FAILED when the folder cannot be written
 */
export async function prepareStore(root: string, report: Report): Promise<StoreSession> {
  const { temporary, ...folders } = storePaths(root)
  try {
    // Layers may hold what only root may read: other users of the machine have no business here.
    await makeFolders(root, 0o700)
    for (const folder of Object.values(folders)) await makeFolders(folder)
    await makeFolders(temporary, 0o700)
    reportCleanUp(await removeDeadSessions(temporary), report)
    return await StoreSession.open(temporary)
  } catch (error) {
    throw unusable(root, error)
  }
}

function reportCleanUp({ removed, stuck }: CleanUp, report: Report): void {
  if (removed > 0)
    report({ type: 'note', message: `Removed what ${removed} interrupted run(s) had left in the cache.` })
  for (const { path, error } of stuck) {
    const message = `An interrupted run left ${path}, which cannot be removed: ${systemCode(error) ?? messageOf(error)}.`
    report({ type: 'warning', message, hint: 'Remove it by hand; ocibake does not need it.' })
  }
}

function unusable(root: string, error: unknown): unknown {
  const code = systemCode(error)
  const translated = writeError(error, root)
  if (translated !== error || code === undefined) return translated
  return new OcibakeError('OUTPUT_FAILED', `The cache folder ${root} cannot be used: ${code}.`, {
    hint: 'Choose another folder with --cache-dir.',
    cause: error,
  })
}
