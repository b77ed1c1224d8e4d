import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { bake } from './cli.ts'
import { debianBase } from './debian-base.ts'
import { madeOnce } from './made-once.ts'

const ARCHIVE = '/srv/archive'

/** An archive of Debian in a folder: what apt has to know of each package there is in the packages, but for three fields. */
const INDEX = `for deb in *.deb; do
  dpkg-deb --field "$deb"
  printf 'Filename: %s\\nSize: %s\\n' "$deb" "$(stat --format %s "$deb")"
  printf 'SHA256: %s\\n\\n' "$(sha256sum "$deb" | cut --delimiter ' ' --fields 1)"
done > Packages`

/** What specs/memcached.spec.ts installs, and the template that it was made of. */
export const MEMCACHED_PACKAGES = [
  ...['ca-certificates', 'curl', 'libevent-2.1-7', 'libsasl2-2', 'libsasl2-modules', 'libssl3', 'netcat-openbsd'],
  ...['procps', 'sasl2-bin', 'wget'],
]

/**
 * The folder with an OCI layout, `base` at the tag `base`: the small Debian, whose apt knows these packages and what they
 * need, and nothing else. It has them in a folder, and reads a hundred lines about them instead of a million.
 * @param installed packages that are installed there
 */
export async function packagesBase(packages: readonly string[], installed: readonly string[] = []): Promise<string> {
  const debian = await debianBase()
  const folder = await madeOnce(`packages-${packages.join('-')}`, async (making) => {
    const run = [
      'apt-get update',
      ...(installed.length === 0 ? [] : [`apt-get install -y --no-install-recommends ${installed.join(' ')}`]),
      'apt-get clean',
      `apt-get install -y --no-install-recommends --download-only ${packages.join(' ')}`,
      `mkdir ${ARCHIVE}; cd ${ARCHIVE}; for deb in /var/cache/apt/archives/*.deb; do`,
      '  mv "$deb" "$(basename "$deb" | sed s/%3a/:/g)"; done',
      INDEX,
      'rm -rf /var/lib/apt/lists/* /etc/apt/sources.list.d/*',
      `echo 'deb [trusted=yes] copy:${ARCHIVE} ./' > /etc/apt/sources.list`,
    ]
    const spec = { from: `oci:${debian}:base`, steps: [{ run, env: { DEBIAN_FRONTEND: 'noninteractive' } }] }
    await writeFile(join(making, 'packages.spec.json'), JSON.stringify(spec))
    await bake(['build', 'packages.spec.json', '--output', 'oci:base:base'], { cache: making, cwd: making })
  })
  return join(folder, 'base')
}
