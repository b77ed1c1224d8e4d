import { createReadStream } from 'node:fs'
import { readFile, rm } from 'node:fs/promises'
import { basename, dirname } from 'node:path'
import { OcibakeError } from '../errors.ts'
import { decodeBlocks } from './block-index.ts'
import { type Digest, Digester } from './digest.ts'
import { readIndex } from './layer-index.ts'
import { decodePieces } from './piece-index.ts'
import { isRecord } from './record-bytes.ts'
import type { Store } from './store.ts'
import { listStore, type StoreEntry } from './store-list.ts'
import { decodeTree } from './store-trees.ts'

export interface VerifyReport {
  /** Entries and bytes that were read. */
  readonly checked: number
  readonly bytes: number
  /** What is not what it should be; it has been removed, and is fetched or made anew when it is needed. */
  readonly damaged: readonly DamagedEntry[]
}

export interface DamagedEntry {
  readonly entry: StoreEntry
  /** A sentence with got and want. */
  readonly problem: string
  /** Host paths: all of the entry's, or the file that the rest does without. */
  readonly removed: readonly string[]
}

/** Reads everything in the store, and removes what is damaged. Other processes may use the store meanwhile. */
export async function verifyStore(store: Pick<Store, 'root'>, signal?: AbortSignal): Promise<VerifyReport> {
  const damaged: DamagedEntry[] = []
  let [checked, bytes] = [0, 0]
  for (const entry of await listStore(store)) {
    signal?.throwIfAborted()
    for (const { path, problem } of await problemsOf(entry, signal)) {
      const removed = isExtra(path) ? [path] : entry.paths
      damaged.push({ entry, problem, removed })
      for (const each of removed) await rm(each, { force: true })
    }
    checked++
    bytes += entry.size
  }
  return { checked, bytes, damaged }
}

/** What is wrong with files that the rest of the entry does without, or what is wrong with the entry. */
async function problemsOf(entry: StoreEntry, signal?: AbortSignal): Promise<{ path: string; problem: string }[]> {
  const problems: { path: string; problem: string }[] = []
  for (const path of entry.paths) {
    const problem = await problemOf(path, entry, signal)
    if (problem === undefined) continue
    if (!isExtra(path)) return [{ path, problem }]
    problems.push({ path, problem })
  }
  return problems
}

async function problemOf(
  path: string,
  { kind, digest }: StoreEntry,
  signal?: AbortSignal,
): Promise<string | undefined> {
  if (kind === 'record') return recordProblem(await readFile(path), digest)
  const decode = decoderOf(path)
  if (decode !== undefined) return indexProblem(await readFile(path), decode, digest)
  return await bytesProblem(path, digest, signal)
}

/** Whether the rest of its entry does without it, as raw tars do not without their index. */
function isExtra(path: string): boolean {
  return decoderOf(path) !== undefined && !path.endsWith('.index')
}

type Decode = (bytes: Buffer, digest: Digest) => unknown

/** What reads the index at a path; undefined for what is no index. */
function decoderOf(path: string): Decode | undefined {
  if (path.endsWith('.index')) return readIndex
  if (path.endsWith('.tree')) return decodeTree
  const folder = basename(dirname(path))
  return folder === 'pieces' ? decodePieces : folder === 'blocks' ? decodeBlocks : undefined
}

function recordProblem(bytes: Buffer, key: Digest): string | undefined {
  return isRecord(bytes, key) ? undefined : 'The record does not match its checksum.'
}

function indexProblem(bytes: Buffer, decode: Decode, digest: Digest): string | undefined {
  try {
    decode(bytes, digest)
    return undefined
  } catch (error) {
    if (error instanceof OcibakeError) return error.message
    throw error
  }
}

async function bytesProblem(path: string, digest: Digest, signal?: AbortSignal): Promise<string | undefined> {
  const digester = new Digester()
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) {
    signal?.throwIfAborted()
    digester.update(chunk)
  }
  const { size } = digester
  const got = digester.digest()
  return got === digest ? undefined : `Its ${size} bytes hash to ${got}.`
}
