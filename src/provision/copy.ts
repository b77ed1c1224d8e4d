import { accessSync, constants, lstatSync, readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs'
import { basename, resolve } from 'node:path'
import ignore, { type Ignore } from 'ignore'
import { OcibakeError, systemCode } from '../errors.ts'
import { apply } from '../oci/apply.ts'
import { HostFile } from '../oci/content.ts'
import { type ByteString, display, fromBytes, fromText, toText } from '../oci/name.ts'
import { type Attrs, type Directory, directory, NO_XATTRS, type Node, type Tree } from '../oci/node.ts'
import { nodeAt, placeAt, resolvePath } from '../oci/tree-paths.ts'
import { lookUpUser } from './accounts.ts'
import { UNDATED } from './dates.ts'
import { parseOctalMode } from './file-mode.ts'
import { imagePath } from './glob.ts'
import type { CopyStep, Tools } from './step.ts'

const IGNORE_FILE = '.ocibakeignore'

/**
 * The tree with a local folder's contents, or one file, laid over it. `step.copy` is an absolute host path here.
 * What a checkout happens to have (umask, owner, times) does not reach the image: see CopyStep for what does.
 * @throws COPY_NOT_FOUND; PATH_INVALID for devices, fifos, `.wh.` names, and what may not be read
 */
export async function copy(tree: Tree, step: CopyStep, tools: Tools): Promise<Tree> {
  try {
    return await copyReadable(tree, step, tools)
  } catch (error) {
    throw unreadable(error)
  }
}

async function copyReadable(tree: Tree, step: CopyStep, tools: Tools): Promise<Tree> {
  const source = entryOf(step.copy)
  const to = imagePath(step.to)
  const owner = step.owner === undefined ? { uid: 0, gid: 0 } : await lookUpUser(tree, step.owner)
  if (!source.isDirectory()) {
    const into = step.to.endsWith('/') || isFolder(tree, to)
    const path = into ? [to, fromText(basename(step.copy))].filter((part) => part !== '').join('/') : to
    return apply(tree, placeAt(path, hostFile(Buffer.from(step.copy), source, step, owner)))
  }
  const ignored = ignore({ ignoreCase: false })
    .add(ignoreLines(step.copy))
    .add([...(step.exclude ?? [])])
  const copier: Copier = { tree, step, owner, ignored, tools }
  const layer = folderLayer(copier, Buffer.from(resolve(step.copy)), '', to)
  return layer === undefined ? tree : apply(tree, placeAt(to, layer))
}

interface Owner {
  readonly uid: number
  readonly gid: number
}

interface Copier {
  readonly tree: Tree
  readonly step: CopyStep
  readonly owner: Owner
  readonly ignored: Ignore
  readonly tools: Tools
}

type Stat = ReturnType<typeof lstat>
const lstat = (path: Buffer) => lstatSync(path, { bigint: true })

/** What is at a host path, symlinks followed. @throws COPY_NOT_FOUND */
export function entryOf(path: string): Stat {
  try {
    return statSync(path, { bigint: true })
  } catch (cause) {
    if (systemCode(cause) !== 'ENOENT' && systemCode(cause) !== 'ENOTDIR') throw cause
    throw new OcibakeError('COPY_NOT_FOUND', `${display(fromText(path))} does not exist.`, {
      hint: 'Paths in a spec are relative to the spec file.',
      cause,
    })
  }
}

function ignoreLines(folder: string): string {
  try {
    return readFileSync(`${folder}/${IGNORE_FILE}`, 'utf8')
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return ''
    throw error
  }
}

/** undefined for a folder that holds nothing but what this build writes: it is no part of the source. */
function folderLayer(copier: Copier, host: Buffer, relative: string, place: ByteString): Directory | undefined {
  const children = new Map<ByteString, Node>()
  let ours = 0
  for (const raw of readdirSync(host, { encoding: 'buffer' })) {
    const name = fromBytes(raw)
    const inside = relative + (toText(name) ?? name)
    if (relative === '' && name === IGNORE_FILE) continue
    const child = Buffer.concat([host, Buffer.from('/'), raw])
    if (copier.tools.build.ownOutputs.has(child.toString())) {
      ours++
      continue
    }
    const stat = lstat(child)
    const ignored = copier.ignored.ignores(stat.isDirectory() ? `${inside}/` : inside)
    const node = ignored ? undefined : nodeOf(copier, child, stat, inside, place === '' ? name : `${place}/${name}`)
    if (node === undefined) continue
    if (name.startsWith('.wh.')) throw unsupported(child, 'has a name that means "deleted" in a layer')
    children.set(name, node)
  }
  return ours > 0 && children.size === 0 ? undefined : directory(children, folderAttrs(copier, host, place))
}

/** A folder that the image has keeps its attributes: the user's folders only say where files go. */
function folderAttrs(copier: Copier, host: Buffer, place: ByteString): Attrs | null {
  const { tree, step, owner } = copier
  if (place === '' || resolvePath(tree, place) !== null) return null
  const mode = step.mode === 'keep' ? Number(lstat(host).mode & 0o7777n) : 0o755
  return { mode, ...owner, mtime: UNDATED, xattrs: NO_XATTRS }
}

function nodeOf(copier: Copier, path: Buffer, stat: Stat, inside: string, place: ByteString): Node | undefined {
  if (stat.isDirectory()) return folderLayer(copier, path, `${inside}/`, place)
  if (stat.isSymbolicLink()) {
    const attrs = { mode: 0o777, ...copier.owner, mtime: UNDATED, xattrs: NO_XATTRS }
    return { kind: 'symlink', attrs, target: fromBytes(readlinkSync(path, { encoding: 'buffer' })) }
  }
  if (stat.isFile()) return hostFile(path, stat, copier.step, copier.owner)
  if (stat.isSocket()) {
    copier.tools.report({ type: 'warning', message: `${display(fromBytes(path))} is a socket and was left out.` })
    return undefined
  }
  throw unsupported(path, 'is a device or a fifo')
}

function hostFile(path: Buffer, stat: Stat, step: CopyStep, owner: Owner): Node {
  if (!stat.isFile()) throw unsupported(path, 'is a device or a fifo')
  // Read only when the layer is written; but then nobody could say which step it was.
  accessSync(path, constants.R_OK)
  const attrs = { mode: fileMode(Number(stat.mode), step.mode), ...owner, mtime: UNDATED, xattrs: NO_XATTRS }
  const stamp = { size: Number(stat.size), mtimeNs: stat.mtimeNs, ino: stat.ino }
  return { kind: 'file', attrs, content: new HostFile(path, stamp) }
}

/** Only the owner's x bit survives a checkout under any umask, so by default only that counts. */
function fileMode(mode: number, wanted: string | undefined): number {
  if (wanted === 'keep') return mode & 0o7777
  if (wanted !== undefined) return parseOctalMode(wanted)
  return (mode & 0o100) === 0 ? 0o644 : 0o755
}

function isFolder(tree: Tree, path: ByteString): boolean {
  const at = resolvePath(tree, path)
  return at !== null && nodeAt(tree, at)?.kind === 'directory'
}

function unsupported(path: Buffer, why: string): OcibakeError {
  return new OcibakeError('PATH_INVALID', `${display(fromBytes(path))} ${why} and cannot be copied.`, {
    hint: 'Leave it out with `exclude` or a line in .ocibakeignore.',
  })
}

/** What the system says of a path that may not be read, in our words; anything else as it is. */
function unreadable(error: unknown): unknown {
  const code = systemCode(error)
  if (error instanceof OcibakeError || code === undefined || !/^(EACCES|EPERM|ELOOP|ENAMETOOLONG)$/.test(code))
    return error
  const path = error instanceof Error && 'path' in error ? String(error.path) : 'A file'
  return new OcibakeError('PATH_INVALID', `${display(fromText(path))} cannot be read: ${code}.`, {
    hint: 'Give this user the right to read it, or leave it out with `exclude` or a line in .ocibakeignore.',
    cause: error,
  })
}
