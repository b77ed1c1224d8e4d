import { createHash, hash } from 'node:crypto'
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs'
import { OcibakeError } from '../errors.ts'
import type { Digest } from '../oci/digest.ts'
import { type ByteString, display, fromBytes } from '../oci/name.ts'
import { Breath } from './breath.ts'
import { type HostNode, type HostRegular, unreadable } from './host-source.ts'
import { type FileMemory, type FileRow, type FileTable, isSettled, stampOf } from './known-files.ts'

/** What a source holds, and how that differs from the build before. */
export interface HashedSource {
  readonly digest: Digest
  /** `app/main.py changed`, paths below the source; undefined when nothing did, or nobody knows. */
  readonly change: string | undefined
}

export interface HashOptions {
  readonly memory: FileMemory
  /** false: every file is read. */
  readonly trust: boolean
  readonly signal: AbortSignal
}

/**
 * Hashes what the image gets of a source: names, modes, targets and bytes. A file that looks as it did when it was
 * hashed before is not read again, unless it had been changed so shortly before that it might look the same.
 * @throws FILE_CHANGED; the reason of the signal
 */
export async function hashSource(source: HostNode | undefined, options: HashOptions): Promise<HashedSource> {
  const { memory, trust, signal } = options
  const now = Date.now()
  const leaves: Placed[] = []
  if (source !== undefined) place(source, '', leaves)
  const settled = leaves.every(({ node }) => node.kind !== 'file' || isSettled(node.stat, now))
  const stamps = settled ? stampsOf(leaves) : undefined
  const known = await memory.known()
  if (trust && stamps !== undefined && known?.stamps === stamps) return { digest: known.digest, change: undefined }

  const before = await memory.table()
  const table = new Map<ByteString, FileRow>()
  const breath = new Breath(signal)
  const sum = createHash('sha256')
  for (const { path, node } of leaves) {
    const stamp = node.kind === 'file' && isSettled(node.stat, now) ? stampOf(node.stat) : ''
    const old = trust && stamp !== '' ? before.get(path) : undefined
    const what = old?.stamp === stamp ? old.what : await whatOf(node, signal)
    table.set(path, { what, stamp })
    sum.update(`${path}\0${what}\n`, 'latin1')
    if (breath.isDue()) await breath.take()
  }
  const digest: Digest = `sha256:${sum.digest('hex')}`
  await memory.keep({ stamps, digest }, table)
  return { digest, change: known === undefined || known.digest === digest ? undefined : changeBetween(before, table) }
}

interface Placed {
  readonly path: ByteString
  readonly node: HostNode
}

/** Sorted, folders before what is in them. A source that is one file has its own name: it may become the image's. */
function place(node: HostNode, path: ByteString, into: Placed[]): void {
  if (node.kind === 'file' && path === '') into.push({ path: fromBytes(node.path).replace(/^.*\//s, ''), node })
  else into.push({ path, node })
  if (node.kind !== 'directory') return
  for (const name of [...node.children.keys()].sort()) {
    place(node.children.get(name)!, path === '' ? name : `${path}/${name}`, into)
  }
}

function stampsOf(leaves: readonly Placed[]): Digest {
  const sum = createHash('sha256')
  for (const { path, node } of leaves) {
    const seen = node.kind === 'file' ? `${node.mode} ${stampOf(node.stat)}` : plain(node)
    sum.update(`${path}\0${seen}\n`, 'latin1')
  }
  return `sha256:${sum.digest('hex')}`
}

function plain(node: Exclude<HostNode, HostRegular>): string {
  return node.kind === 'symlink' ? `symlink ${JSON.stringify(node.target)}` : `directory ${node.mode}`
}

async function whatOf(node: HostNode, signal: AbortSignal): Promise<string> {
  return node.kind === 'file' ? `${node.mode} ${await hashFile(node, signal)}` : plain(node)
}

const CHUNK = 1 << 20
const buffer = Buffer.allocUnsafe(CHUNK)

/** sha256 in hex. Synchronous calls: a source may have fifty thousand files of a few bytes. */
async function hashFile({ path, stat }: Pick<HostRegular, 'path' | 'stat'>, signal: AbortSignal): Promise<string> {
  const descriptor = opened(path)
  try {
    const { size, mtimeNs, ino } = fstatSync(descriptor, { bigint: true })
    if (Number(size) !== stat.size || mtimeNs !== stat.mtimeNs || ino !== stat.ino) throw changed(path)
    if (stat.size < CHUNK) {
      if (readSync(descriptor, buffer, 0, CHUNK, 0) !== stat.size) throw changed(path)
      return hash('sha256', buffer.subarray(0, stat.size))
    }
    const sum = createHash('sha256')
    const breath = new Breath(signal)
    for (let at = 0; at < stat.size; ) {
      const got = readSync(descriptor, buffer, 0, CHUNK, at)
      if (got === 0) throw changed(path)
      sum.update(buffer.subarray(0, got))
      at += got
      if (breath.isDue()) await breath.take()
    }
    return sum.digest('hex')
  } finally {
    closeSync(descriptor)
  }
}

/** @throws PATH_INVALID for a file that may not be read */
function opened(path: Buffer): number {
  try {
    return openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
  } catch (error) {
    throw unreadable(error)
  }
}

function changed(path: Buffer): OcibakeError {
  return new OcibakeError('FILE_CHANGED', `${display(fromBytes(path))} changed while it was being read.`, {
    hint: 'Build again when nothing writes to that folder.',
  })
}

function changeBetween(before: FileTable, now: FileTable): string | undefined {
  // None was kept, for it would have been too long.
  if (before.size === 0) return undefined
  for (const [path, { what }] of now) {
    const old = before.get(path)
    if (old?.what !== what) return `${display(path)} ${old === undefined ? 'is new' : 'changed'}`
  }
  for (const path of before.keys()) if (!now.has(path)) return `${display(path)} is gone`
  return undefined
}
