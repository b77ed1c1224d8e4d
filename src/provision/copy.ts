import { lstatSync, readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs'
import { basename } from 'node:path'
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
 * @throws COPY_NOT_FOUND; PATH_INVALID for devices, fifos and `.wh.` names
 */
export async function copy(tree: Tree, step: CopyStep, tools: Tools): Promise<Tree> {
  const source = entryOf(step)
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
  return apply(tree, placeAt(to, folderLayer(copier, Buffer.from(step.copy), '', to)))
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

function entryOf(step: CopyStep): Stat {
  try {
    return statSync(step.copy, { bigint: true })
  } catch (cause) {
    if (systemCode(cause) !== 'ENOENT' && systemCode(cause) !== 'ENOTDIR') throw cause
    throw new OcibakeError('COPY_NOT_FOUND', `${display(fromText(step.copy))} does not exist.`, {
      hint: 'Paths in `copy` are relative to the spec file.',
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

function folderLayer(copier: Copier, host: Buffer, relative: string, place: ByteString): Directory {
  const children = new Map<ByteString, Node>()
  for (const raw of readdirSync(host, { encoding: 'buffer' })) {
    const name = fromBytes(raw)
    const inside = relative + (toText(name) ?? name)
    if (relative === '' && name === IGNORE_FILE) continue
    const child = Buffer.concat([host, Buffer.from('/'), raw])
    const stat = lstat(child)
    const ignored = copier.ignored.ignores(stat.isDirectory() ? `${inside}/` : inside)
    const node = ignored ? undefined : nodeOf(copier, child, stat, inside, place === '' ? name : `${place}/${name}`)
    if (node === undefined) continue
    if (name.startsWith('.wh.')) throw unsupported(child, 'has a name that means "deleted" in a layer')
    children.set(name, node)
  }
  return directory(children, folderAttrs(copier, host, place))
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
