import { chownSync } from 'node:fs'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** nobody, as Debian has him: no groups, no privileges, no subordinate ids. */
export const NOBODY = 65534

/** util-linux: what comes behind runs as nobody, and may not become anybody else. */
export const AS_NOBODY: readonly string[] = [
  ...['setpriv', `--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups', '--no-new-privs'],
]

/** A folder that is nobody's, to be removed by the caller. */
export async function folderOfNobody(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'ocibake-nobody-'))
  chownSync(folder, NOBODY, NOBODY)
  return folder
}
