import { mkdir, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { execa } from 'execa'
import { readAptSources } from '../../src/provision/apt-sources.ts'
import { debianArchives } from '../../src/provision/debian-archives.ts'
import { sourcesList } from '../../src/provision/mmdebstrap.ts'

export interface DebianPackage {
  /** Of the package, without epoch and Debian's revision: `1.6.18`. */
  readonly version: string
  /** The folder in which its files lie. */
  readonly root: string
}

/**
 * A package of a Debian suite, unpacked in `folder` and not installed. apt gets lists and a configuration of its own
 * there, so that neither this machine's release nor the state of its lists matters; the mirror is the machine's.
 */
export async function debianPackage(name: string, suite: string, folder: string): Promise<DebianPackage> {
  const place = join(folder, `${suite}-${name}`)
  const root = join(place, 'root')
  for (const path of ['state/lists/partial', 'cache/archives/partial', 'root']) {
    await mkdir(join(place, path), { recursive: true })
  }
  await writeFile(join(place, 'sources.list'), sourcesList(debianArchives({ suite }, await readAptSources())))
  await writeFile(join(place, 'status'), '')
  const options = [
    `Dir::State=${place}/state`,
    `Dir::State::status=${place}/status`,
    `Dir::Cache=${place}/cache`,
    `Dir::Etc::sourcelist=${place}/sources.list`,
    'Dir::Etc::sourceparts=/dev/null',
    'Acquire::Languages=none',
    'APT::Sandbox::User=root',
  ].flatMap((option) => ['-o', option])
  await execa('apt-get', ['-qq', ...options, 'update'], { cwd: place })
  await execa('apt-get', ['-qq', ...options, 'download', name], { cwd: place })
  const file = (await readdir(place)).find((entry) => entry.endsWith('.deb'))!
  await execa('dpkg-deb', ['--extract', join(place, file), root])
  const { stdout } = await execa('dpkg-deb', ['--field', join(place, file), 'Version'])
  return {
    version: stdout
      .trim()
      .replace(/^\d+:/, '')
      .replace(/-[^-]*$/, ''),
    root,
  }
}
