import { access, constants, stat } from 'node:fs/promises'
import { join } from 'node:path'

/** What a shell would find where `PATH` is not set. */
const USUAL = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

/** The absolute host path of a program on the PATH of `env` that we may run, or undefined. */
export async function findProgram(
  name: string,
  env: Readonly<Record<string, string | undefined>>,
): Promise<string | undefined> {
  for (const folder of (env.PATH || USUAL).split(':').filter((one) => one.startsWith('/'))) {
    const path = join(folder, name)
    try {
      await access(path, constants.X_OK)
      if ((await stat(path)).isFile()) return path
    } catch {
      // Not there, or not for us: the next folder may have it.
    }
  }
  return undefined
}
