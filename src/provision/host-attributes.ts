import type { Report } from '../events.ts'
import { type ByteString, display, fromBytes, toBytes } from '../oci/name.ts'
import { type Attrs, NO_XATTRS, type Special } from '../oci/node.ts'
import { askHelper } from './native-helper.ts'

/** Labels that the host's kernel puts on every file, and notes of an overlay below the work folder: no part of a tree. */
const OF_THE_HOST = /^(security\.(selinux|apparmor|ima|evm|SMACK64\w*)|trusted\.overlay\..*)$/

const TYPE_LETTER = { character: 'c', block: 'b', fifo: 'p' } as const

/** Makes device nodes and fifos, mode 0600 and owned by whoever runs this, at paths below `root`. */
export async function makeSpecials(root: string, specials: ReadonlyMap<ByteString, Special>, signal: AbortSignal) {
  if (specials.size === 0) return
  const records = [...specials].map(([path, { type, major, minor }]) =>
    toBytes(`node\0${path}\0${TYPE_LETTER[type]}\0${major}\0${minor}\0`),
  )
  await askHelper('lay-out', root, Buffer.concat([...records, toBytes('end\0')]), signal)
}

/** Sets extended attributes, of symlinks themselves; warns of those that the file system refuses. */
export async function writeXattrs(
  root: string,
  xattrs: ReadonlyMap<ByteString, Attrs['xattrs']>,
  report: Report,
  signal: AbortSignal,
) {
  if (xattrs.size === 0) return
  const records = [...xattrs].flatMap(([path, values]) =>
    [...values].flatMap(([name, value]) => [toBytes(`xattr\0${path}\0${name}\0${value.byteLength}\0`), value]),
  )
  const answer = await askHelper('lay-out', root, Buffer.concat([...records, toBytes('end\0')]), signal)
  const [path, name, error] = fromBytes(answer).split('\0')
  if (path === undefined || name === undefined || error === undefined) return
  const others = answer.filter((byte) => byte === 0).length / 3 - 1
  report({
    type: 'warning',
    message: `The work folder cannot hold ${display(name)} of /${display(path)}${others > 0 ? ` and ${others} more` : ''}: ${error}.`,
    hint: 'It stays in the image unless a script changes the file. Choose another disk with --cache-dir to be sure.',
  })
}

/** The extended attributes of each path below `root`, in the same order, without those of the host itself. */
export async function readXattrs(
  root: string,
  paths: readonly ByteString[],
  signal: AbortSignal,
): Promise<Attrs['xattrs'][]> {
  if (paths.length === 0) return []
  const answer = await askHelper('read-xattrs', root, toBytes(paths.map((path) => `${path}\0`).join('')), signal)
  let at = 0
  const field = () => {
    const end = answer.indexOf(0, at)
    const text = answer.toString('latin1', at, end)
    at = end + 1
    return text
  }
  return paths.map(() => {
    const found = new Map<ByteString, Uint8Array>()
    for (let name = field(); name !== ''; name = field()) {
      const size = Number(field())
      const value = answer.subarray(at, at + size)
      at += size
      if (!OF_THE_HOST.test(name)) found.set(name, Buffer.from(value))
    }
    return found.size === 0 ? NO_XATTRS : found
  })
}
