import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type MemcachedTarball, memcachedTarball } from '../../scripts/demo/memcached-tarball.ts'
import { hostPlatform } from '../../src/oci/platform.ts'
import { madeOnce } from './made-once.ts'

/** The tarball that specs/memcached.spec.ts unpacks, made once a test run. */
export async function sharedTarball(): Promise<MemcachedTarball> {
  const folder = await madeOnce('memcached', async (making) => {
    const made = await memcachedTarball(making, hostPlatform().architecture)
    await writeFile(join(making, 'made.json'), JSON.stringify({ ...made, path: made.path.slice(making.length + 1) }))
  })
  const made = JSON.parse(await readFile(join(folder, 'made.json'), 'utf8')) as MemcachedTarball
  return { ...made, path: join(folder, made.path) }
}
