import { apply } from '../oci/apply.ts'
import { bytesContent, readAll } from '../oci/content.ts'
import type { ByteString } from '../oci/name.ts'
import type { File, Tree } from '../oci/node.ts'
import { nodeAt, placeAt } from '../oci/tree-paths.ts'
import { walk } from '../oci/walk.ts'
import type { NormaliseContext } from './normaliser.ts'

const SECONDS_A_DAY = 86_400
const MAX_SHADOW = 1 << 20
const MAX_BYTECODE = 64 << 20

/**
 * The third field of a line of /etc/shadow is the day of the last password change (shadow(5)); useradd writes today.
 * New lines get the image's day instead, so that tomorrow's build is the same.
 */
export async function dateShadow(tree: Tree, { base, created }: NormaliseContext): Promise<Tree> {
  const today = Math.floor(created / SECONDS_A_DAY)
  let now = tree
  for (const path of ['etc/shadow', 'etc/shadow-']) {
    const file = changedFile(now, base, path)
    if (file === undefined || file.content.size > MAX_SHADOW) continue
    const text = (await readAll(file.content, MAX_SHADOW)).toString('latin1')
    const dated = text.replace(/^([^:\n]*:[^:\n]*:)(\d+)(?=:)/gm, (line, account: string, day: string) =>
      Number(day) > today ? `${account}${today}` : line,
    )
    if (dated !== text) now = replaced(now, path, file, Buffer.from(dated, 'latin1'))
  }
  return now
}

/**
 * A .pyc file names the time of its source (PEP 552), which `times` clamps: the time inside is clamped alike, so that
 * the bytecode stays valid. Hash-based ones have no time and are left alone.
 */
export async function dateBytecode(tree: Tree, { base, created }: NormaliseContext): Promise<Tree> {
  let now = tree
  for (const [path, node] of walk(tree)) {
    if (!path.endsWith('.pyc') || node.kind !== 'file' || node.content.size > MAX_BYTECODE) continue
    const file = changedFile(tree, base, path)
    if (file === undefined) continue
    const bytes = await readAll(file.content, MAX_BYTECODE)
    const timed = bytes.length >= 16 && bytes.readUInt32LE(4) === 0
    if (!timed || bytes.readUInt32LE(8) <= created) continue
    const dated = Buffer.from(bytes)
    dated.writeUInt32LE(created, 8)
    now = replaced(now, path, file, dated)
  }
  return now
}

function changedFile(tree: Tree, base: Tree, path: ByteString): File | undefined {
  const node = nodeAt(tree, path)
  return node?.kind === 'file' && node !== nodeAt(base, path) ? node : undefined
}

function replaced(tree: Tree, path: ByteString, file: File, bytes: Buffer): Tree {
  return apply(tree, placeAt(path, { ...file, content: bytesContent(bytes) }))
}
