import type { ByteString } from '../oci/name.ts'
import type { Distribution } from './distribution.ts'
import type { Fields } from './field-lines.ts'
import { type Find, type FoundPackage, isPlausible, partyOf, plausible } from './found-package.ts'
import { DATABASE, type ImageTexts } from './image-texts.ts'
import { licenseExpression } from './license-expression.ts'
import { purl } from './purl.ts'

/** Where /lib is a symlink to /usr/lib, both are one. */
const DATABASES = ['lib/apk/db/installed', 'usr/lib/apk/db/installed']

/** The packages that apk has installed. (apk-tools, "Installed Database V2") */
export async function findApks(texts: ImageTexts, distribution: Distribution, find: Find): Promise<void> {
  for (const path of new Set(DATABASES.flatMap((name) => texts.at(name)?.path ?? []))) {
    for await (const fields of texts.entries(path, DATABASE)) {
      const found = apkOf(fields, distribution, path)
      if (found === undefined) texts.unread.add(path, 'an entry has no name, or no version')
      else find(found)
    }
  }
}

function apkOf(fields: Fields, { id = 'alpine', release }: Distribution, from: ByteString): FoundPackage | undefined {
  const [name, version, origin] = [fields.get('P'), fields.get('V'), fields.get('o')]
  if (!isPlausible(name) || !isPlausible(version)) return undefined
  const upstream = isPlausible(origin) && origin !== name ? origin : undefined
  return {
    name,
    version,
    purl: purl({
      type: 'apk',
      namespace: id,
      name,
      version,
      qualifiers: { arch: plausible(fields.get('A')), distro: release, upstream },
    }),
    supplier: partyOf(fields.get('m')),
    license: licenseExpression(fields.get('L') ?? ''),
    from,
  }
}
