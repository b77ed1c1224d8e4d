import type { ByteString } from '../oci/name.ts'
import { sortedNames } from '../oci/walk.ts'
import type { Distribution } from './distribution.ts'
import type { Fields } from './field-lines.ts'
import { type Find, type FoundPackage, isPlausible, partyOf, plausible } from './found-package.ts'
import { DATABASE, type ImageTexts, METADATA } from './image-texts.ts'
import { purl } from './purl.ts'

const FOLDER = 'var/lib/dpkg'

/** Characters of a field of several words. */
const LONGEST = 500

/** Nothing but configuration files is left of such a package, if anything is. (dpkg(1), "Package states") */
const GONE: ReadonlySet<string> = new Set(['not-installed', 'config-files'])

/** The packages that dpkg has installed, and those of distroless images, which have a file for each. */
export async function findDebs(texts: ImageTexts, distribution: Distribution, find: Find): Promise<void> {
  const status = `${FOLDER}/status`
  for (const path of [status, ...statusFiles(texts)]) {
    for await (const fields of texts.entries(path, path === status ? DATABASE : METADATA)) {
      const [, , state = 'installed'] = (fields.get('Status') ?? '').slice(0, LONGEST).split(/\s+/)
      if (GONE.has(state)) continue
      const found = debOf(fields, distribution, path)
      if (found === undefined) texts.unread.add(path, 'an entry has no name, or no version')
      else find(found)
    }
  }
}

function statusFiles(texts: ImageTexts): ByteString[] {
  const path = `${FOLDER}/status.d`
  const folder = texts.at(path)?.node
  if (folder?.kind !== 'directory') return []
  const names = sortedNames(folder).filter((name) => !name.startsWith('.') && !name.endsWith('.md5sums'))
  return names.map((name) => `${path}/${name}`)
}

function debOf(fields: Fields, { id = 'debian', release }: Distribution, from: ByteString): FoundPackage | undefined {
  const [name, version] = [fields.get('Package'), fields.get('Version')]
  if (!isPlausible(name) || !isPlausible(version)) return undefined
  const qualifiers = {
    arch: plausible(fields.get('Architecture')),
    distro: release,
    upstream: sourceOf(fields.get('Source')),
  }
  return {
    name,
    version,
    purl: purl({ type: 'deb', namespace: id, name, version, qualifiers }),
    supplier: partyOf(fields.get('Maintainer')),
    from,
  }
}

/** `glibc (2.36-9)`: by the source package Debian's security tracker knows what is wrong with a package. */
function sourceOf(text = ''): string | undefined {
  const [, name, version] = (text.length <= LONGEST && /^(\S+)(?:\s+\((\S+)\))?$/.exec(text)) || []
  if (!isPlausible(name)) return undefined
  return isPlausible(version) ? `${name}@${version}` : name
}
