import { readdir, readFile, rm, stat, utimes } from 'node:fs/promises'
import { join } from 'node:path'
import { OcibakeError } from '../errors.ts'
import { type Digest, hexOf, isDigest } from './digest.ts'
import { decodePieces, encodePieces, type PieceRow, piecesIn } from './piece-index.ts'
import { type SharedPieces, sharePieces } from './piece-table.ts'
import type { StoreSession } from './store-session.ts'
import { TempFile } from './temp-file.ts'

/** Bytes of indexes that are looked at, the last used first: 170,000 pieces, which are 50 GB of files. */
const LIMIT = 8 << 20

/**
 * Which gzip members the layers that were written here have: the blob itself holds them, here is only where. An index
 * without its blob is worth nothing, and goes when it is met.
 */
export class StorePieces {
  readonly #folder: string
  readonly #blobs: string
  readonly #session: StoreSession

  constructor(folder: string, blobs: string, session: StoreSession) {
    this.#folder = folder
    this.#blobs = blobs
    this.#session = session
  }

  /** What is known now. Blobs may go at any time: whoever reads one must check what it reads. */
  async known(): Promise<SharedPieces> {
    const found: { path: string; rows: Buffer }[] = []
    let left = LIMIT
    for (const hex of await this.#lastUsedFirst()) {
      const rows = await this.#rows(hex)
      if (rows === undefined) continue
      found.push({ path: join(this.#blobs, hex), rows })
      left -= rows.byteLength
      if (left < 0) break
    }
    return sharePieces(found)
  }

  /** Where the pieces in the first `size` bytes of a blob are, as far as that is known. */
  async before(blob: Digest, size: number): Promise<PieceRow[]> {
    const rows = await this.#rows(hexOf(blob))
    return rows === undefined ? [] : piecesIn(rows).filter((piece) => piece.offset + piece.size <= size)
  }

  /** Keeps where the pieces of a blob are. Atomic. @throws DISK_FULL */
  async keep(blob: Digest, pieces: readonly PieceRow[]): Promise<void> {
    const file = await TempFile.create(this.#session.newPath('pieces'))
    try {
      await file.write(encodePieces(blob, pieces))
      await file.commit(join(this.#folder, hexOf(blob)))
    } finally {
      await file.discard()
    }
  }

  /** Marks blobs from which members were copied as used now: they are what the next build copies from, too. */
  async used(paths: Iterable<string>): Promise<void> {
    const now = new Date()
    // Another user's file in a shared store, or gone by now: it was used all the same.
    for (const path of paths) await utimes(path, now, now).catch(() => {})
  }

  async #lastUsedFirst(): Promise<string[]> {
    const times: { hex: string; time: number }[] = []
    for (const hex of await readdir(this.#folder)) {
      const blob = await stat(join(this.#blobs, hex)).catch(() => undefined)
      if (blob !== undefined) times.push({ hex, time: blob.mtimeMs })
      else await rm(join(this.#folder, hex), { force: true })
    }
    return times.sort((a, b) => b.time - a.time).map(({ hex }) => hex)
  }

  async #rows(hex: string): Promise<Buffer | undefined> {
    const path = join(this.#folder, hex)
    const digest = `sha256:${hex}`
    const bytes = await readFile(path).catch(() => undefined)
    if (bytes === undefined || !isDigest(digest)) return undefined
    try {
      const rows = decodePieces(bytes, digest)
      if (rows !== undefined) return rows
    } catch (error) {
      if (!(error instanceof OcibakeError)) throw error
    }
    await rm(path, { force: true })
    return undefined
  }
}
