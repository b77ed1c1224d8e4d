import { closeSync, openSync } from 'node:fs'
import type { Report } from '../events.ts'
import { type ByteString, display, fromBytes, toBytes } from '../oci/name.ts'
import { type Attrs, NO_XATTRS, type Special } from '../oci/node.ts'
import { hostPath } from './host-path.ts'
import { askHelper } from './native-helper.ts'

/** Labels that the host's kernel puts on every file, and notes of an overlay below the work folder: no part of a tree. */
const OF_THE_HOST = /^(security\.(selinux|apparmor|ima|evm|SMACK64\w*)|trusted\.overlay\..*)$/

const TYPE_LETTER = { character: 'c', block: 'b', fifo: 'p' } as const

/** The only ones that an ordinary user may set. */
export const OF_THE_USER = /^user\./

/**
 * Makes device nodes and fifos, mode 0600 and owned by whoever runs this, at paths below `root`; without `real`, empty
 * files in the place of devices, which only root can make.
 */
export async function makeSpecials(
  root: string,
  specials: ReadonlyMap<ByteString, Special>,
  real: boolean,
  signal: AbortSignal,
) {
  const nodes = [...specials].filter(([path, { type }]) => {
    if (real || type === 'fifo') return true
    closeSync(openSync(hostPath(root, path), 'wx', 0o600))
    return false
  })
  if (nodes.length === 0) return
  const records = nodes.map(([path, { type, major, minor }]) =>
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
  const refused = await setXattrs(root, xattrs, signal)
  const [first] = refused
  if (first === undefined) return
  const { path, name, error } = first
  const others = refused.length - 1
  report({
    type: 'warning',
    message: `The work folder cannot hold ${display(name)} of /${display(path)}${others > 0 ? ` and ${others} more` : ''}: ${error}.`,
    hint: 'It stays in the image unless a script changes the file. Choose another disk with --cache-dir to be sure.',
  })
}

/** Sets those that an ordinary user may set. @returns the names of all others, and of those that were refused, by path */
export async function writeUserXattrs(
  root: string,
  xattrs: ReadonlyMap<ByteString, Attrs['xattrs']>,
  signal: AbortSignal,
): Promise<Map<ByteString, Set<ByteString>>> {
  const left = new Map<ByteString, Set<ByteString>>()
  const users = new Map<ByteString, Attrs['xattrs']>()
  for (const [path, values] of xattrs) {
    const names = [...values.keys()]
    left.set(path, new Set(names.filter((name) => !OF_THE_USER.test(name))))
    const own = [...values].filter(([name]) => OF_THE_USER.test(name))
    if (own.length > 0) users.set(path, new Map(own))
  }
  for (const { path, name } of await setXattrs(root, users, signal)) left.get(path)!.add(name)
  return left
}

interface RefusedXattr {
  readonly path: ByteString
  readonly name: ByteString
  readonly error: string
}

async function setXattrs(
  root: string,
  xattrs: ReadonlyMap<ByteString, Attrs['xattrs']>,
  signal: AbortSignal,
): Promise<RefusedXattr[]> {
  if (xattrs.size === 0) return []
  const records = [...xattrs].flatMap(([path, values]) =>
    [...values].flatMap(([name, value]) => [toBytes(`xattr\0${path}\0${name}\0${value.byteLength}\0`), value]),
  )
  const answer = await askHelper('lay-out', root, Buffer.concat([...records, toBytes('end\0')]), signal)
  const fields = fromBytes(answer).split('\0')
  return Array.from({ length: Math.floor(fields.length / 3) }, (_, i) => {
    const [path = '', name = '', error = ''] = fields.slice(3 * i)
    return { path, name, error }
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
