import { createHash } from 'node:crypto'
import { apply } from '../oci/apply.ts'
import type { Content } from '../oci/content.ts'
import { type ByteString, toBytes } from '../oci/name.ts'
import type { File, Tree } from '../oci/node.ts'
import { nodeAt, placeAt } from '../oci/tree-paths.ts'
import { walk } from '../oci/walk.ts'
import type { NormaliseContext } from './normaliser.ts'

/** The head of a database file (Berkeley DB's db_page.h, DBMETA33): hash, btree, queue, heap, then the fields we need. */
const MAGICS = new Set([0x061561, 0x053162, 0x042253, 0x074582])
const MAGIC = 12
const ENCRYPTION = 24
const FLAGS = 26
const ID = 52
const ID_SIZE = 20
const HEAD = ID + ID_SIZE
const CHECKSUMMED = 1
/** Files are whole pages. */
const SMALLEST_PAGE = 512

/**
 * Berkeley DB draws an id for every new file, from inode, clock and process. New files get one that only depends on
 * their path: two files that are open at once still differ, which is all that the id is for.
 */
export async function settleDatabaseIds(tree: Tree, { base }: NormaliseContext): Promise<Tree> {
  let now = tree
  // One object in, one object out: hard links stay hard links.
  const settled = new Map<File, File>()
  for (const [path, node] of walk(tree)) {
    if (node.kind !== 'file' || node === nodeAt(base, path)) continue
    const { content } = node
    if (content.size < SMALLEST_PAGE || content.size % SMALLEST_PAGE !== 0) continue
    if (!hasPlainId(await headOf(content))) continue
    const file = settled.get(node) ?? { ...node, content: withId(content, idFor(path)) }
    settled.set(node, file)
    now = apply(now, placeAt(path, file))
  }
  return now
}

/** Of a page with a checksum or a cipher over it, the id has to stay. */
function hasPlainId(head: Buffer): boolean {
  const known = MAGICS.has(head.readUInt32LE(MAGIC)) || MAGICS.has(head.readUInt32BE(MAGIC))
  return known && head[ENCRYPTION] === 0 && (head[FLAGS]! & CHECKSUMMED) === 0
}

async function headOf(content: Content): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of content.open()) {
    chunks.push(chunk)
    size += chunk.length
    if (size >= HEAD) break
  }
  return Buffer.concat(chunks)
}

function idFor(path: ByteString): Buffer {
  return createHash('sha256').update(toBytes(path)).digest().subarray(0, ID_SIZE)
}

function withId(content: Content, id: Buffer): Content {
  return {
    size: content.size,
    async *open() {
      let at = 0
      for await (const chunk of content.open()) {
        yield at < HEAD ? overlaid(chunk, at, id) : chunk
        at += chunk.length
      }
    },
  }
}

/** `chunk`, which begins at byte `at` of the file, with its part of the id. */
function overlaid(chunk: Uint8Array, at: number, id: Buffer): Uint8Array {
  const copy = Uint8Array.from(chunk)
  for (const [index, byte] of id.entries()) {
    const position = ID + index - at
    if (position >= 0 && position < copy.length) copy[position] = byte
  }
  return copy
}
