import type { ByteString } from '../oci/name.ts'
import { helperAnswer } from './native-helper.ts'

/** What lies at a path of a root, as statx(2) says; see native/survey.c. */
export interface RootEntry {
  readonly path: ByteString
  /** See `OwnerRecords`. */
  readonly identity: string
  /** With the type of the file. */
  readonly mode: number
  readonly uid: number
  readonly gid: number
  /** Bytes. */
  readonly size: number
  /** Nanoseconds since 1970, as are the next two; the kernel sets it at every change, and nobody else can. */
  readonly changed: bigint
  readonly modified: bigint
  readonly accessed: bigint
  /** Of a device node. */
  readonly major: number
  readonly minor: number
}

/** Fields of an entry. */
const FIELDS = 10

/**
 * Calls `visit` for everything in a root: parents first, names in the order of their bytes, the root itself (path '')
 * before all. With `open`, what this user could not read is opened up for him on the way; the entry says what was.
 * @throws what `visit` throws; the reason of the signal
 */
export async function eachEntry(
  root: string,
  { open }: { readonly open: boolean },
  visit: (entry: RootEntry) => void,
  signal: AbortSignal,
): Promise<void> {
  const reader = new EntryReader(visit)
  for await (const chunk of survey(root, open, signal)) reader.push(chunk)
}

/** What is in a root now, as `eachEntry` says it, but when it is asked for: once. @throws the reason of the signal */
export async function entriesNow(
  root: string,
  signal: AbortSignal,
): Promise<(visit: (entry: RootEntry) => void) => void> {
  const chunks = await Array.fromAsync(survey(root, false, signal))
  return (visit) => {
    const reader = new EntryReader(visit)
    // Of 500,000 files they are 70 MB.
    for (const chunk of chunks.splice(0)) reader.push(chunk)
  }
}

function survey(root: string, open: boolean, signal: AbortSignal): AsyncIterable<Buffer> {
  return helperAnswer({ verb: open ? 'survey-open' : 'survey', folder: root }, signal)
}

class EntryReader {
  readonly #visit: (entry: RootEntry) => void
  #pending: readonly string[] = []

  constructor(visit: (entry: RootEntry) => void) {
    this.#visit = visit
  }

  push(chunk: Buffer): void {
    const fields = `${this.#pending.at(-1) ?? ''}${chunk.toString('latin1')}`.split('\0')
    const all = this.#pending.slice(0, -1).concat(fields)
    let at = 0
    // The last one may go on in the next chunk.
    for (; at + FIELDS < all.length; at += FIELDS) this.#visit(entryAt(all, at))
    this.#pending = all.slice(at)
  }
}

function entryAt(fields: readonly string[], at: number): RootEntry {
  const [major, minor] = fields[at + 9]!.split(':')
  return {
    path: fields[at]!,
    identity: fields[at + 1]!,
    mode: Number(fields[at + 2]),
    uid: Number(fields[at + 3]),
    gid: Number(fields[at + 4]),
    size: Number(fields[at + 5]),
    changed: BigInt(fields[at + 6]!),
    modified: BigInt(fields[at + 7]!),
    accessed: BigInt(fields[at + 8]!),
    major: Number(major),
    minor: Number(minor),
  }
}
