import { createHash } from 'node:crypto'
import { type Content, readAll } from '../oci/content.ts'
import { type ByteString, toBytes } from '../oci/name.ts'
import type { Tree } from '../oci/node.ts'
import type { NormaliseContext } from './normaliser.ts'
import { rewriteFiles } from './rewrite-files.ts'

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
const LARGEST = 64 << 20

/**
 * Berkeley DB draws an id for every new file, from inode, clock and process. New files get one that only depends on
 * their path: two files that are open at once still differ, which is all that the id is for.
 */
export function settleDatabaseIds(tree: Tree, { base }: NormaliseContext): Promise<Tree> {
  return rewriteFiles(tree, base, {
    concerns: (_, { size }) => size >= SMALLEST_PAGE && size <= LARGEST && size % SMALLEST_PAGE === 0,
    rewrite: async (path, content) =>
      hasPlainId(await headOf(content)) ? withId(await readAll(content, LARGEST), idFor(path)) : undefined,
  })
}

/** Of a page with a checksum or a cipher over it, the id has to stay; zeros are no id, and would be found everywhere. */
function hasPlainId(head: Buffer): boolean {
  const known = MAGICS.has(head.readUInt32LE(MAGIC)) || MAGICS.has(head.readUInt32BE(MAGIC))
  const isPlain = head[ENCRYPTION] === 0 && (head[FLAGS]! & CHECKSUMMED) === 0
  return known && isPlain && head.subarray(ID, HEAD).some((byte) => byte !== 0)
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

/** The pages that were made with the file hold the id too, in bytes that are not used. */
function withId(bytes: Buffer, id: Buffer): Buffer {
  const drawn = Buffer.from(bytes.subarray(ID, ID + ID_SIZE))
  for (let at = bytes.indexOf(drawn); at >= 0; at = bytes.indexOf(drawn, at + ID_SIZE)) id.copy(bytes, at)
  return bytes
}
