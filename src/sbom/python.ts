import type { ByteString } from '../oci/name.ts'
import type { Directory } from '../oci/node.ts'
import { sortedNames } from '../oci/walk.ts'
import type { Fields } from './field-lines.ts'
import { type Find, type FoundPackage, isPlausible } from './found-package.ts'
import { type ImageTexts, METADATA } from './image-texts.ts'
import { licenseExpression } from './license-expression.ts'
import { purl } from './purl.ts'

/** The folders in which Python looks for packages; Debian's own are in the second. */
const FOLDERS: ReadonlySet<ByteString> = new Set(['site-packages', 'dist-packages'])

export const isPythonFolder = (name: ByteString): boolean => FOLDERS.has(name)

/** The packages in a folder of Python's, whoever has put them there. (PEP 376, PEP 566) */
export async function findPython(texts: ImageTexts, path: ByteString, folder: Directory, find: Find): Promise<void> {
  for (const name of sortedNames(folder)) {
    const file = metadataOf(name, folder.children.get(name)!.kind === 'directory')
    const fields = file === undefined ? undefined : await texts.head(`${path}/${file}`, METADATA)
    if (fields === undefined) continue
    const found = pythonOf(fields, `${path}/${file}`)
    if (found === undefined) texts.unread.add(`${path}/${file}`, 'it has no name, or no version')
    else find(found)
  }
}

/** setuptools wrote a folder or, of what has no parts, a file. */
function metadataOf(name: ByteString, isFolder: boolean): ByteString | undefined {
  if (name.endsWith('.dist-info')) return `${name}/METADATA`
  if (!name.endsWith('.egg-info')) return undefined
  return isFolder ? `${name}/PKG-INFO` : name
}

function pythonOf(fields: Fields, from: ByteString): FoundPackage | undefined {
  const [name, version] = [fields.get('Name'), fields.get('Version')]
  if (!isPlausible(name) || !isPlausible(version)) return undefined
  // PEP 503
  const normalised = name.toLowerCase().replace(/[-_.]+/g, '-')
  const license = fields.get('License-Expression') ?? fields.get('License') ?? ''
  return {
    name,
    version,
    purl: purl({ type: 'pypi', name: normalised, version }),
    license: licenseExpression(license),
    from,
  }
}
