import { mkdtemp, rm, statfs, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { systemCode } from '../errors.ts'
import { nearestFolder } from '../oci/free-space.ts'
import { formatBytes } from '../report/quantities.ts'
import type { Examined, Finding } from './finding.ts'
import { mountedAt } from './mounted-at.ts'

/** Bytes: a base of some hundred megabytes is there three times, compressed, raw and laid out. */
const LITTLE = 1e9

/** Why no build works here, whatever sandbox there is. */
export interface Obstacle {
  readonly code: 'DISK_FULL' | 'OUTPUT_FAILED'
  /** A sentence without its full stop; and what helps. */
  readonly missing: string
  readonly hint: string
}

/** Undefined: the cache folder can be made and written. */
export async function cacheObstacle({ cacheFolder }: Pick<Examined, 'cacheFolder'>): Promise<Obstacle | undefined> {
  const refused = await writeRefusal(await nearestFolder(cacheFolder))
  if (refused === undefined) return undefined
  return {
    code: refused === 'ENOSPC' || refused === 'EDQUOT' ? 'DISK_FULL' : 'OUTPUT_FAILED',
    missing: `The cache folder ${cacheFolder} cannot be written (${refused})`,
    hint: 'Choose another folder with --cache-dir FOLDER or OCIBAKE_CACHE_DIR.',
  }
}

/** The folders that builds write to. */
export async function diskFindings({ cacheFolder, temporary }: Examined): Promise<Finding[]> {
  return [
    await folder('cache folder', cacheFolder, 'every build', '--cache-dir FOLDER, or OCIBAKE_CACHE_DIR'),
    await folder('temporary folder', temporary, 'Debian bases', 'TMPDIR'),
  ]
}

async function folder(what: string, path: string, neededFor: string, another: string): Promise<Finding> {
  const there = await nearestFolder(path)
  const disk = await statfs(there)
  const free = disk.bavail * disk.bsize
  const mounted = await mountedAt(there)
  const refused = await writeRefusal(there)
  const flags = ['ro', 'noexec', 'nodev'].filter((one) => mounted?.options.has(one))
  const faults = [
    ...(refused === undefined ? [] : [`cannot be written (${refused})`]),
    ...(flags.includes('noexec') && what === 'cache folder' ? ['scripts cannot run in it (noexec)'] : []),
    ...(free < LITTLE ? ['little space'] : []),
  ]
  const absent = there === path ? '' : ' (not made yet)'
  const facts = [mounted?.type ?? 'unknown file system', ...flags, `${formatBytes(free)} free`, ...faults]
  return {
    what,
    state: faults.length === 0 ? 'ok' : 'missing',
    found: `${path}${absent}: ${facts.join(', ')}`,
    neededFor,
    howToGet: `${another}: a folder on a disk with more room that can be written`,
  }
}

/** By trying: rights, read-only mounts, security modules, quotas and full disks all have their say. */
async function writeRefusal(path: string): Promise<string | undefined> {
  let made: string | undefined
  try {
    made = await mkdtemp(join(path, '.ocibake-doctor-'))
    await writeFile(join(made, 'page'), Buffer.alloc(4096))
    return undefined
  } catch (error) {
    return systemCode(error) ?? 'unknown error'
  } finally {
    if (made !== undefined) await rm(made, { recursive: true, force: true })
  }
}
