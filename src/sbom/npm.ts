import { isJsonObject, type JsonObject } from '../oci/json.ts'
import type { ByteString } from '../oci/name.ts'
import type { Directory } from '../oci/node.ts'
import { sortedNames } from '../oci/walk.ts'
import { type Find, type FoundPackage, isPlausible } from './found-package.ts'
import { type ImageTexts, METADATA } from './image-texts.ts'
import { licenseExpression } from './license-expression.ts'
import { purl } from './purl.ts'

export const isNpmFolder = (name: ByteString): boolean => name === 'node_modules'

/**
 * The packages in a `node_modules`, of which a package may have one of its own. A symlink leads to one that is found where
 * it is, or to what is no package that somebody has installed.
 */
export async function findNpm(texts: ImageTexts, path: ByteString, folder: Directory, find: Find): Promise<void> {
  for (const name of sortedNames(folder)) {
    const node = folder.children.get(name)!
    if (node.kind !== 'directory' || name.startsWith('.')) continue
    if (name.startsWith('@')) await findNpm(texts, `${path}/${name}`, node, find)
    else if (node.children.has('package.json')) await findOne(texts, `${path}/${name}/package.json`, find)
  }
}

async function findOne(texts: ImageTexts, path: ByteString, find: Find): Promise<void> {
  const text = await texts.read(path, METADATA)
  if (text === undefined) return
  const found = npmOf(parse(text), path)
  if (found === undefined) texts.unread.add(path, 'it has no name, or no version')
  else find(found)
}

function npmOf(fields: JsonObject, from: ByteString): FoundPackage | undefined {
  const full = textOf(fields.name)
  const version = textOf(fields.version)
  const [, namespace, name] = /^(?:(@[^/]+)\/)?([^/]+)$/.exec(full ?? '') ?? []
  if (!isPlausible(full) || !isPlausible(name) || !isPlausible(version)) return undefined
  return {
    name: full,
    version,
    purl: purl({ type: 'npm', namespace, name, version }),
    license: licenseExpression(licenseOf(fields) ?? ''),
    from,
  }
}

/** Long ago it was an object. */
function licenseOf({ license }: JsonObject): string | undefined {
  return isJsonObject(license) ? textOf(license.type) : textOf(license)
}

const textOf = (value: unknown) => (typeof value === 'string' ? value : undefined)

/** As npm reads it: a byte order mark is nothing. What is no object has no fields. */
function parse(text: string): JsonObject {
  try {
    const value: unknown = JSON.parse(text.replace(/^\ufeff/, ''))
    return isJsonObject(value) ? value : {}
  } catch {
    return {}
  }
}
