import { mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { execa } from 'execa'
import { readAptSources } from '../../src/provision/apt-sources.ts'
import { debianArchives } from '../../src/provision/debian-archives.ts'
import { sourcesList } from '../../src/provision/mmdebstrap.ts'
import { made } from './made.ts'

const WANTED = ['libevent-2.1-7', 'libsasl2-2', 'libsasl2-modules', 'netcat-openbsd', 'procps']

/** A folder of the .deb files that a script installs without a network: all that the base lacks for them. */
export async function packages(folder: string, baseTar: string): Promise<string> {
  return await made(join(folder, 'debs'), 'a folder of packages for the script', async (debs) => {
    const work = join(folder, 'debs-work')
    await mkdir(join(work, 'state/lists/partial'), { recursive: true })
    await mkdir(join(work, 'cache/archives/partial'), { recursive: true })
    await execa('tar', ['-C', work, '-xf', baseTar, './var/lib/dpkg/status'])
    await writeFile(
      join(work, 'sources.list'),
      sourcesList(debianArchives({ suite: 'bookworm' }, await readAptSources())),
    )
    const options = [
      `Dir::State=${work}/state`,
      // dpkg's database is the base's, not this machine's.
      `Dir::State::status=${work}/var/lib/dpkg/status`,
      `Dir::Cache=${work}/cache`,
      `Dir::Etc::sourcelist=${work}/sources.list`,
      'Dir::Etc::sourceparts=/dev/null',
      'Acquire::Languages=none',
      'APT::Sandbox::User=root',
      'Debug::NoLocking=true',
    ].flatMap((option) => ['-o', option])
    await execa('apt-get', ['-qq', ...options, 'update'])
    await execa('apt-get', [
      '-qq',
      ...options,
      'install',
      '--download-only',
      '--no-install-recommends',
      '-y',
      ...WANTED,
    ])
    await mkdir(debs)
    const archives = join(work, 'cache/archives')
    const files = (await readdir(archives)).filter((name) => name.endsWith('.deb'))
    for (const name of files) await rename(join(archives, name), join(debs, name))
    await rm(work, { recursive: true })
  })
}
