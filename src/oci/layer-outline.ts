import { OcibakeError } from '../errors.ts'
import { AbsentFile } from './absent-file.ts'
import { checkTree } from './check-tree.ts'
import { bytesContent, readAll } from './content.ts'
import type { Digest } from './digest.ts'
import { isJsonObject } from './json.ts'
import type { ByteString } from './name.ts'
import { type Directory, directory, type Node } from './node.ts'
import { readTree } from './tree-reader.ts'
import { writeTree } from './tree-writer.ts'
import { sharedLeaves } from './walk.ts'

/** Goes up when the format changes, or what LayerBuilder makes of the same members. */
export const OUTLINE_VERSION = 2

/** What steps read that name owners, as most do: in /etc. Larger ones than this many bytes are left out like all others. */
const ACCOUNTS = ['passwd', 'group']
const SMALL = 1 << 16
/** Bytes of the number that says how long the texts are, which come first. */
const HEAD = 4

/**
 * The tree of a layer of the store without what is in its files, but for /etc/passwd and /etc/group: an outline, by which
 * all else can be known of the layer. Those two as JSON, in base64, behind their length; then the tree, see tree-codec.ts.
 * @throws STORE_CORRUPT
 */
export async function writeOutline(layer: Directory): Promise<Buffer> {
  const texts: Record<string, string> = {}
  const shared = sharedLeaves(layer)
  const etc = layer.children.get('etc')
  for (const name of ACCOUNTS) {
    const node = etc?.kind === 'directory' ? etc.children.get(name) : undefined
    // One that has other names is the same object under each of them.
    if (node?.kind !== 'file' || shared.has(node) || node.content.size === 0 || node.content.size > SMALL) continue
    texts[name] = (await readAll(node.content, SMALL)).toString('base64')
  }
  const said = Buffer.from(JSON.stringify(texts))
  const head = Buffer.alloc(HEAD)
  head.writeUInt32LE(said.length)
  return Buffer.concat([head, said, writeTree(layer)])
}

/**
 * The layer that `writeOutline` was given, but for the contents of its files, which have their sizes alone; folders are
 * read when somebody looks into them. Takes any bytes, which must not change. @throws LAYER_INVALID for what is no outline
 */
export function readOutline(bytes: Buffer, diffId: Digest): Directory {
  const size = bytes.length < HEAD ? Number.POSITIVE_INFINITY : bytes.readUInt32LE(0)
  if (size > bytes.length - HEAD) throw invalid(diffId)
  const texts = textsIn(bytes.subarray(HEAD, HEAD + size))
  if (texts === undefined) throw invalid(diffId)
  const tree = bytes.subarray(HEAD + size)
  checkTree(tree)
  return withTexts(readTree(tree, new AbsentFile(diffId)), texts)
}

/** undefined: something in it is not what it should be. */
function textsIn(bytes: Buffer): ReadonlyMap<ByteString, Buffer> | undefined {
  let value: unknown
  try {
    value = JSON.parse(bytes.toString('utf8'))
  } catch {
    return undefined
  }
  if (!isJsonObject(value)) return undefined
  const texts = new Map<ByteString, Buffer>()
  for (const name of ACCOUNTS) {
    const text = Object.hasOwn(value, name) ? value[name] : undefined
    if (typeof text === 'string') texts.set(name, Buffer.from(text, 'base64'))
    else if (text !== undefined) return undefined
  }
  return texts
}

function withTexts(layer: Directory, texts: ReadonlyMap<ByteString, Buffer>): Directory {
  const etc = layer.children.get('etc')
  if (texts.size === 0 || etc?.kind !== 'directory') return layer
  const children = new Map<ByteString, Node>(etc.children)
  for (const [name, bytes] of texts) {
    const node = children.get(name)
    const isOfIt = node?.kind === 'file' && node.content.size === bytes.length
    if (isOfIt) children.set(name, { ...node, content: bytesContent(bytes) })
  }
  const changed = directory(children, etc.attrs, etc.opaque)
  return directory(new Map(layer.children).set('etc', changed), layer.attrs, layer.opaque)
}

function invalid(diffId: Digest): OcibakeError {
  return new OcibakeError('LAYER_INVALID', `The outline of the layer ${diffId} is none.`)
}
