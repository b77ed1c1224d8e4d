import { createHash } from 'node:crypto'
import { chmod, copyFile, mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { create, type WriteEntry } from 'tar'
import { debianPackage } from './debian-package.ts'

export interface MemcachedTarball {
  readonly path: string
  /** memcached's version: `1.6.18`. */
  readonly version: string
  /** Where it belongs in the bucket: `memcached/v1.6.18-0/memcached-1.6.18-0-linux-amd64-debian-12.tar.gz`. */
  readonly key: string
  /** Hex, of the compressed bytes. */
  readonly sha256: string
}

/** What a build machine leaves beside `files/`; none of it may reach the image. */
const DECOYS = new Map([
  ['docs/filesystem.txt', 'not for the image\n'],
  ['docs/decoy.bin', 'decoy'.repeat(20_000)],
  ['files.txt', 'not for the image: its name only begins like the folder that is\n'],
  ['scripts/build.sh', '#!/bin/sh\nexit 1\n'],
])

/**
 * Debian's memcached in a tarball of the layout that `specs/memcached.spec.ts` unpacks: TOP/files/memcached/… for the
 * image, other things beside TOP/files, everything owned by a user that the image does not have. The same package
 * gives the same tar. `folder` is a private folder; `architecture` is the processor's name in the key.
 */
export async function memcachedTarball(folder: string, architecture = 'amd64'): Promise<MemcachedTarball> {
  const { version, root } = await debianPackage('memcached', 'bookworm', folder)
  const top = `memcached-${version}-0-linux-${architecture}-debian-12`
  const memcached = join(folder, top, 'files/memcached')
  await install(join(root, 'usr/bin/memcached'), join(memcached, 'bin/memcached'), 0o755)
  await install(
    join(root, 'usr/share/man/man1/memcached.1.gz'),
    join(memcached, 'share/man/man1/memcached.1.gz'),
    0o644,
  )
  await install(
    join(root, 'usr/share/doc/memcached/copyright'),
    join(memcached, `licenses/memcached-${version}.txt`),
    0o644,
  )
  for (const [path, content] of DECOYS) {
    const target = join(folder, top, path)
    await mkdir(dirname(target), { recursive: true })
    await writeFile(target, content)
    await chmod(target, path.endsWith('.sh') ? 0o755 : 0o644)
  }
  const path = join(folder, `${top}.tar.gz`)
  await pack(folder, top, path)
  const sha256 = createHash('sha256')
    .update(await readFile(path))
    .digest('hex')
  return { path, version, key: `memcached/v${version}-0/${top}.tar.gz`, sha256 }
}

async function install(from: string, to: string, mode: number): Promise<void> {
  await mkdir(dirname(to), { recursive: true })
  await copyFile(from, to)
  await chmod(to, mode)
}

async function pack(folder: string, top: string, file: string): Promise<void> {
  const below = await readdir(join(folder, top), { recursive: true })
  const names = [top, ...below.map((name) => `${top}/${name}`)].sort()
  const onWriteEntry = (entry: WriteEntry) => {
    // Owners, times and the umask of this machine end here.
    const mode = entry.type === 'Directory' ? 0o40755 : entry.stat?.mode
    Object.assign(entry.stat ?? {}, { uid: 1001, gid: 1001, mode, atime: undefined, ctime: undefined })
    entry.myuser = ''
  }
  const mtime = new Date('2023-07-22T04:26:40Z')
  await create({ file, cwd: folder, gzip: true, mtime, noDirRecurse: true, noPax: true, onWriteEntry }, names)
}
