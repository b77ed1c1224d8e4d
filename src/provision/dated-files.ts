import { type Content, readAll } from '../oci/content.ts'
import type { ByteString } from '../oci/name.ts'
import type { Tree } from '../oci/node.ts'
import type { NormaliseContext } from './normaliser.ts'
import { rewriteFiles } from './rewrite-files.ts'

const SECONDS_A_DAY = 86_400
const SHADOWS = new Set<ByteString>(['etc/shadow', 'etc/shadow-'])
const MAX_SHADOW = 1 << 20
const MAX_BYTECODE = 64 << 20

/**
 * The third field of a line of /etc/shadow is the day of the last password change (shadow(5)); useradd writes today.
 * New lines get the image's day instead, so that tomorrow's build is the same.
 */
export function dateShadow(tree: Tree, { base, created }: NormaliseContext): Promise<Tree> {
  const today = Math.floor(created / SECONDS_A_DAY)
  return rewriteFiles(tree, base, {
    concerns: (name, { size }) => SHADOWS.has(`etc/${name}`) && size <= MAX_SHADOW,
    async rewrite(path, content) {
      if (!SHADOWS.has(path)) return undefined
      const text = (await readAll(content, MAX_SHADOW)).toString('latin1')
      const dated = text.replace(/^([^:\n]*:[^:\n]*:)(\d+)(?=:)/gm, (line, account: string, day: string) =>
        Number(day) > today ? `${account}${today}` : line,
      )
      return dated === text ? undefined : Buffer.from(dated, 'latin1')
    },
  })
}

/**
 * A .pyc file names the time of its source (PEP 552), which `times` clamps: the time inside is clamped alike, so that
 * the bytecode stays valid. Hash-based ones have no time and are left alone.
 */
export function dateBytecode(tree: Tree, { base, created }: NormaliseContext): Promise<Tree> {
  return rewriteFiles(tree, base, {
    concerns: (name, { size }) => name.endsWith('.pyc') && size <= MAX_BYTECODE,
    rewrite: (_, content) => datedBytecode(content, created),
  })
}

async function datedBytecode(content: Content, created: number): Promise<Buffer | undefined> {
  const bytes = await readAll(content, MAX_BYTECODE)
  const timed = bytes.length >= 16 && bytes.readUInt32LE(4) === 0
  if (!timed || bytes.readUInt32LE(8) <= created) return undefined
  bytes.writeUInt32LE(created, 8)
  return bytes
}
