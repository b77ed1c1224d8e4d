import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { execa } from 'execa'
import { OWN_MOUNTS } from '../builders/own-mounts.ts'
import { made } from './made.ts'

const INSTALL = 'apt-get install -y --no-install-recommends'
const CLEAN = 'apt-get clean && rm -rf /var/lib/apt/lists/*'
/** What the four layers over Debian do: some of them delete what is below. */
const LAYERS = [
  `apt-get update && ${INSTALL} perl python3 && ${CLEAN}`,
  `apt-get update && ${INSTALL} gcc libc6-dev && ${CLEAN}`,
  `apt-get update && ${INSTALL} g++ make git && ${CLEAN} && rm -rf /usr/share/doc/perl*`,
  `apt-get update && ${INSTALL} python3-dev cmake vim && ${CLEAN} && rm -f /usr/bin/vim.tiny`,
]

/** An OCI layout of about 700 MB in five layers, by buildah: of the size that images for building things have. */
export async function bigImage(folder: string, debian: string): Promise<string> {
  return await made(join(folder, 'images/big'), 'a base of 700 MB in five layers by buildah', async (layout) => {
    const work = join(folder, 'big-work')
    await mkdir(work, { recursive: true })
    const runs = LAYERS.map((command) => `RUN ${command}\n`).join('')
    await writeFile(
      join(work, 'Containerfile'),
      `FROM oci:${debian}:v1\nENV DEBIAN_FRONTEND=noninteractive\n${runs}ENV DEBIAN_FRONTEND=\n`,
    )
    const stores = ['--root', join(work, 'root'), '--runroot', join(work, 'run')]
    const buildah = (args: readonly string[]) => execa('unshare', [...OWN_MOUNTS, 'buildah', ...stores, ...args])
    await buildah(['bud', '--quiet', '--isolation', 'chroot', '--layers', '--tag', 'big', work])
    await buildah(['push', '--quiet', 'big', `oci:${layout}:v1`])
    await buildah(['rmi', '--all', '--force'])
    await rm(work, { recursive: true, force: true })
  })
}
