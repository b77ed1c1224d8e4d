import { copyFile, mkdir, readFile, rmdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { silent } from '../../src/events.ts'
import { hostPlatform } from '../../src/oci/platform.ts'
import { type DebianOptions, type DebianTar, debianTar } from '../../src/provision/debian.ts'
import { proxyVariables } from '../../src/provision/proxy-variables.ts'
import { madeOnce } from './made-once.ts'
import { tool } from './skopeo.ts'

/** A small Debian; `time` is what it would not have otherwise. */
export const SMALL_DEBIAN: DebianOptions = {
  suite: 'bookworm',
  variant: 'minbase',
  include: ['adduser', 'passwd', 'time', 'usr-is-merged'],
  architecture: hostPlatform().architecture,
}

/** What mmdebstrap makes of SMALL_DEBIAN, made once a test run. Needs root, that may mount. */
export async function madeDebian(): Promise<DebianTar> {
  const folder = await madeOnce('debian', async (making) => {
    const memory = join(making, 'memory')
    await mkdir(memory)
    // dpkg waits for a disk after each package, for half of the time.
    await tool('mount', ['-t', 'tmpfs', '-o', 'size=2g,mode=700', 'tmpfs', memory])
    try {
      const { signal } = new AbortController()
      const surroundings = { folder: memory, proxyEnv: proxyVariables(process.env), signal, report: silent }
      const { path, key } = await debianTar(SMALL_DEBIAN, surroundings)
      await copyFile(path, join(making, 'base.tar'))
      await writeFile(join(making, 'key'), key)
    } finally {
      await tool('umount', [memory])
    }
    await rmdir(memory)
  })
  return { path: join(folder, 'base.tar'), key: await readFile(join(folder, 'key'), 'utf8') }
}
