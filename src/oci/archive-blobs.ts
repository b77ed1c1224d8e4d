import { type FileHandle, open, rm } from 'node:fs/promises'
import { posix } from 'node:path'
import { OcibakeError } from '../errors.ts'
import { Slice, SliceFile } from './content.ts'
import { decompress, detectCompression, HEAD_BYTES } from './decompress.ts'
import type { LocalBlob, LocalBlobs } from './local-blobs.ts'
import { openRegular } from './local-file.ts'
import { display, fromText } from './name.ts'
import type { TarEntry } from './tar-entry.ts'
import { TarScanner } from './tar-scan.ts'
import { outputError } from './write-file.ts'

/** A link in an archive may lead to a link; Linux gives up after as many (path_resolution(7)). */
const LINK_LIMIT = 40
/** An image has some hundred blobs at most; each member that is known takes memory. */
const MEMBER_LIMIT = 100_000

/**
 * The members of a tar archive, found in one pass and read where they are; nothing is unpacked. A compressed archive
 * (gzip, zstd) is written uncompressed to `spool` first, a path where nothing is yet; `close` removes it.
 * @throws BASE_NOT_FOUND without the file; LAYOUT_INVALID if it is no tar archive; DISK_FULL
 */
export async function archiveBlobs(file: string, spool: string, signal: AbortSignal): Promise<LocalBlobs> {
  const handle = await openRegular(file, 'followed')
  const shown = display(fromText(file))
  if (handle === undefined) throw new OcibakeError('BASE_NOT_FOUND', `There is no file ${shown}.`)
  const close = async () => void (await rm(spool, { force: true }))
  try {
    const head = Buffer.alloc(HEAD_BYTES)
    await handle.read(head, 0, HEAD_BYTES, 0)
    const isPlain = detectCompression(head) === 'none'
    const bytes = isPlain ? chunksOf(handle, signal) : decompress(chunksOf(handle, signal), shown)
    const scanned = new Map<string, TarEntry>()
    const scan = scanning(bytes, scanned)
    if (isPlain) for await (const _ of scan);
    else await spoolTo(spool, scan)
    return new ArchiveBlobs(new SliceFile(isPlain ? file : spool), scanned, shown, close)
  } catch (error) {
    await close()
    throw asLayoutError(error, shown)
  } finally {
    await handle.close()
  }
}

class ArchiveBlobs implements LocalBlobs {
  readonly #file: SliceFile
  readonly #entries: ReadonlyMap<string, TarEntry>
  readonly #shown: string
  readonly #remove: () => Promise<void>

  constructor(file: SliceFile, entries: ReadonlyMap<string, TarEntry>, shown: string, remove: () => Promise<void>) {
    this.#file = file
    this.#entries = entries
    this.#shown = shown
    this.#remove = remove
  }

  async find(path: string): Promise<LocalBlob | undefined> {
    const entry = this.#resolve(fromText(path))
    if (entry === undefined) return undefined
    const extent = entry.data[0]
    if (entry.type !== 'file' || (extent?.size ?? 0) !== entry.size) {
      const got = entry.type === 'file' ? 'sparse file' : entry.type
      throw new OcibakeError(
        'LAYOUT_INVALID',
        `${this.#shown}: '${display(entry.path)}' is a ${got}; wanted a plain file.`,
      )
    }
    const from = extent?.offset ?? 0
    const read = (start: number) => this.#read(from + start, Math.max(0, entry.size - start))
    return { size: entry.size, read, open: () => read(0) }
  }

  async close(): Promise<void> {
    this.#file.close()
    await this.#remove()
  }

  async *#read(offset: number, size: number): AsyncGenerator<Uint8Array> {
    try {
      yield* new Slice(this.#file, offset, size).open()
    } catch (error) {
      // A slice of the store that is short means damage there; this file belongs to somebody else.
      if (!(error instanceof OcibakeError) || error.code !== 'STORE_CORRUPT') throw error
      const message = `${this.#shown} became shorter while it was read.`
      throw new OcibakeError('FILE_CHANGED', message, { hint: 'Build again when nothing writes to it.', cause: error })
    }
  }

  /** The member that a path means: `docker save` of old writes a layer once and symlinks for its other uses. */
  #resolve(path: string): TarEntry | undefined {
    let at = memberName(path)
    for (let hops = 0; hops < LINK_LIMIT; hops++) {
      const entry = this.#entries.get(at)
      if (entry?.type === 'link') at = memberName(entry.target)
      else if (entry?.type === 'symlink') at = memberName(posix.join('/', posix.dirname(at), entry.target))
      else return entry
    }
    throw new OcibakeError('LAYOUT_INVALID', `${this.#shown}: '${display(path)}' is a link that leads to itself.`)
  }
}

/** One name for `x`, `./x` and `/x`; `..` stays inside, as in a chroot. */
function memberName(path: string): string {
  return posix.join('/', path).replace(/\/$/, '').slice(1)
}

async function* chunksOf(handle: FileHandle, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  for (let at = 0; ; ) {
    signal.throwIfAborted()
    const buffer = Buffer.allocUnsafe(1 << 20)
    const { bytesRead } = await handle.read(buffer, 0, buffer.length, at)
    if (bytesRead === 0) return
    yield buffer.subarray(0, bytesRead)
    at += bytesRead
  }
}

/** Lets the bytes through and notes the members; of two with one name the later counts, as when tar unpacks. */
async function* scanning(bytes: AsyncIterable<Uint8Array>, entries: Map<string, TarEntry>): AsyncGenerator<Uint8Array> {
  const scanner = new TarScanner()
  let count = 0
  const note = (found: readonly TarEntry[]) => {
    count += found.length
    if (count > MEMBER_LIMIT) throw new OcibakeError('ARCHIVE_INVALID', `it has more than ${MEMBER_LIMIT} members.`)
    for (const entry of found) if (entry.type !== 'directory') entries.set(memberName(entry.path), entry)
  }
  for await (const chunk of bytes) {
    note(scanner.push(chunk))
    yield chunk
  }
  note(scanner.end())
}

async function spoolTo(path: string, bytes: AsyncIterable<Uint8Array>): Promise<void> {
  try {
    await using file = await open(path, 'wx', 0o600)
    await file.writeFile(bytes)
  } catch (error) {
    throw outputError(error, path)
  }
}

function asLayoutError(error: unknown, shown: string): unknown {
  if (!(error instanceof OcibakeError) || error.code !== 'ARCHIVE_INVALID') return error
  return new OcibakeError('LAYOUT_INVALID', `${shown} is no image archive: ${error.message}`, {
    hint: 'Wanted what `docker save` or `skopeo copy … oci-archive:` writes: tar, plain or with gzip or zstd.',
    cause: error,
  })
}
