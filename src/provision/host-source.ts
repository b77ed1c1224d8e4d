import { accessSync, constants, lstatSync, readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs'
import { basename, dirname, resolve } from 'node:path'
import ignore, { type Ignore } from 'ignore'
import { OcibakeError, systemCode } from '../errors.ts'
import type { Report } from '../events.ts'
import { type ByteString, display, fromBytes, fromText, toText } from '../oci/name.ts'
import { parseOctalMode } from './file-mode.ts'

const IGNORE_FILE = '.ocibakeignore'
const SLASH = Buffer.from('/')

/** What a `copy` step takes of this machine: no owners and no times, which do not reach the image. */
export type HostNode = HostFolder | HostRegular | HostSymlink

export interface HostFolder {
  readonly kind: 'directory'
  /** For a new folder in the image. */
  readonly mode: number
  readonly children: ReadonlyMap<ByteString, HostNode>
}

export interface HostRegular {
  readonly kind: 'file'
  /** Absolute. */
  readonly path: Buffer
  /** As the image gets it. */
  readonly mode: number
  readonly stat: HostStat
}

export interface HostSymlink {
  readonly kind: 'symlink'
  readonly target: ByteString
}

/** What lstat said: as long as it says the same of a path, the bytes are the same. */
export interface HostStat {
  readonly size: number
  readonly mtimeNs: bigint
  readonly ctimeNs: bigint
  readonly ino: bigint
}

/** The part of a `copy` step that says what is taken. */
export interface Selecting {
  /** Absolute host path. */
  readonly copy: string
  readonly exclude?: readonly string[]
  readonly mode?: string
}

export interface HostSourceOptions {
  /** See BuildFacts. */
  readonly ownOutputs: ReadonlySet<string>
  readonly report: Report
}

/**
 * What is at the step's path, without what it leaves out. No file is opened. `undefined` for a folder that holds
 * nothing but what this build writes: it is no part of the source.
 * @throws COPY_NOT_FOUND; PATH_INVALID for devices, fifos, `.wh.` names, and folders that may not be read
 */
export function hostSource(step: Selecting, options: HostSourceOptions): HostNode | undefined {
  try {
    const top = entryOf(step.copy)
    if (!top.isDirectory()) return regular(Buffer.from(step.copy), top, step.mode)
    const ignored = ignoring(step)
    return folder({ step, ...(ignored && { ignored }), ...options }, Buffer.from(resolve(step.copy)), '')
  } catch (error) {
    throw unreadable(error)
  }
}

/** @throws PATH_INVALID for files that may not be read: when the layer is written nobody could say of which step */
export function checkReadable(source: HostNode): void {
  if (source.kind === 'directory') for (const child of source.children.values()) checkReadable(child)
  if (source.kind !== 'file') return
  try {
    accessSync(source.path, constants.R_OK)
  } catch (error) {
    throw unreadable(error)
  }
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

interface Context extends HostSourceOptions {
  readonly step: Selecting
  readonly ignored?: Ignore
}

/** undefined where nothing is: asking for each of fifty thousand files takes longer than finding them. */
function ignoring({ copy, exclude = [] }: Selecting): Ignore | undefined {
  const lines = ignoreLines(copy)
  return lines === '' && exclude.length === 0
    ? undefined
    : ignore({ ignoreCase: false })
        .add(lines)
        .add([...exclude])
}

function ignoreLines(path: string): string {
  try {
    return readFileSync(`${path}/${IGNORE_FILE}`, 'utf8')
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return ''
    throw error
  }
}

/** @param relative path below the step's own, with a '/' behind it unless it is empty */
function folder(context: Context, host: Buffer, relative: string): HostFolder | undefined {
  const children = new Map<ByteString, HostNode>()
  const own = ownNames(host, context.ownOutputs)
  const prefix = Buffer.concat([host, SLASH])
  let ours = 0
  for (const raw of readdirSync(host, { encoding: 'buffer' })) {
    const name = fromBytes(raw)
    if (relative === '' && name === IGNORE_FILE) continue
    if (own.has(name)) {
      ours++
      continue
    }
    const inside = relative + (toText(name) ?? name)
    const child = Buffer.concat([prefix, raw])
    const stat = lstat(child)
    const ignored = context.ignored?.ignores(stat.isDirectory() ? `${inside}/` : inside)
    const node = ignored === true ? undefined : nodeOf(context, child, stat, inside)
    if (node === undefined) continue
    if (name.startsWith('.wh.')) throw unsupported(child, 'has a name that means "deleted" in a layer')
    children.set(name, node)
  }
  if (ours > 0 && children.size === 0) return undefined
  const mode = context.step.mode === 'keep' ? Number(lstat(host).mode & 0o7777n) : 0o755
  return { kind: 'directory', mode, children }
}

/** What this build writes into the folder. */
function ownNames(host: Buffer, ownOutputs: ReadonlySet<string>): ReadonlySet<ByteString> {
  const folder = host.toString()
  return new Set([...ownOutputs].filter((path) => dirname(path) === folder).map((path) => fromText(basename(path))))
}

function nodeOf(context: Context, path: Buffer, stat: Stat, inside: string): HostNode | undefined {
  if (stat.isDirectory()) return folder(context, path, `${inside}/`)
  if (stat.isSymbolicLink()) {
    return { kind: 'symlink', target: fromBytes(readlinkSync(path, { encoding: 'buffer' })) }
  }
  if (stat.isFile()) return regular(path, stat, context.step.mode)
  if (stat.isSocket()) {
    context.report({ type: 'warning', message: `${display(fromBytes(path))} is a socket and was left out.` })
    return undefined
  }
  throw unsupported(path, 'is a device or a fifo')
}

function regular(path: Buffer, stat: Stat, wanted: string | undefined): HostRegular {
  if (!stat.isFile()) throw unsupported(path, 'is a device or a fifo')
  const { mtimeNs, ctimeNs, ino } = stat
  return {
    kind: 'file',
    path,
    mode: fileMode(Number(stat.mode), wanted),
    stat: { size: Number(stat.size), mtimeNs, ctimeNs, ino },
  }
}

/** Only the owner's x bit survives a checkout under any umask, so by default only that counts. */
function fileMode(mode: number, wanted: string | undefined): number {
  if (wanted === 'keep') return mode & 0o7777
  if (wanted !== undefined) return parseOctalMode(wanted)
  return (mode & 0o100) === 0 ? 0o644 : 0o755
}

function unsupported(path: Buffer, why: string): OcibakeError {
  return new OcibakeError('PATH_INVALID', `${display(fromBytes(path))} ${why} and cannot be copied.`, {
    hint: 'Leave it out with `exclude` or a line in .ocibakeignore.',
  })
}

/** What the system says of a path that may not be read, in our words; anything else as it is. */
export function unreadable(error: unknown): unknown {
  const code = systemCode(error)
  if (error instanceof OcibakeError || code === undefined || !/^(EACCES|EPERM|ELOOP|ENAMETOOLONG)$/.test(code))
    return error
  const path = error instanceof Error && 'path' in error ? String(error.path) : 'A file'
  return new OcibakeError('PATH_INVALID', `${display(fromText(path))} cannot be read: ${code}.`, {
    hint: 'Give this user the right to read it, or leave it out with `exclude` or a line in .ocibakeignore.',
    cause: error,
  })
}
