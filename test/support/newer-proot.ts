import { chmod, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { execa } from 'execa'
import { madeOnce } from './made-once.ts'

const LOADER = 'usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2'
const PACKAGES = ['proot', 'libc6', 'libtalloc2']

/**
 * A folder with the `proot` of Debian's unstable, which runs with libraries of its own. Nothing is installed.
 * @returns undefined where the mirror of this machine has none, or none that is new enough
 */
export async function newerProot(): Promise<string | undefined> {
  const folder = await madeOnce('newer-proot', async (place) => {
    await download(place).catch((error: unknown) => writeFile(join(place, 'why-not'), String(error)))
  })
  const { exitCode } = await execa(join(folder, 'bin/proot'), ['--version'], { reject: false })
  return exitCode === 0 ? join(folder, 'bin') : undefined
}

async function download(place: string): Promise<void> {
  const [lists, cache] = [join(place, 'lists'), join(place, 'cache')]
  for (const path of [lists, join(cache, 'archives/partial'), join(place, 'bin')])
    await mkdir(path, { recursive: true })
  const { stdout } = await execa('apt-get', ['indextargets', '--format', '$(SITE) $(REPO_URI)', 'Codename: bookworm'])
  const mirror = stdout.split('\n')[0]!.split(' ')[1]!
  const key = '/usr/share/keyrings/debian-archive-keyring.gpg'
  await writeFile(join(place, 'sources.list'), `deb [signed-by=${key}] ${mirror} sid main\n`)
  const settings = {
    'Dir::Etc::sourcelist': join(place, 'sources.list'),
    'Dir::Etc::sourceparts': '-',
    'Dir::State::lists': lists,
    'Dir::Cache': cache,
    'APT::Sandbox::User': 'root',
    'Acquire::Languages': 'none',
  }
  const options = Object.entries(settings).flatMap(([name, value]) => ['-o', `${name}=${value}`])
  await execa('apt-get', [...options, 'update'])
  await execa('apt-get', [...options, 'download', ...PACKAGES], { cwd: place })
  await execa('sh', ['-c', `for deb in *.deb; do dpkg-deb -x "$deb" root; done`], { cwd: place })
  await writeFile(join(place, 'bin/proot'), SCRIPT)
  await chmod(join(place, 'bin/proot'), 0o755)
  await execa('chmod', ['-R', 'a+rX', place])
}

/** It has to find its folder by itself: that is renamed when all is there. */
const SCRIPT = `#!/bin/sh
root=$(dirname "$0")/../root
exec "$root/${LOADER}" --library-path "$root/usr/lib/x86_64-linux-gnu" "$root/usr/bin/proot" "$@"
`
