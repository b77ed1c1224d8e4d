import { readFile, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { OcibakeError, systemCode } from '../errors.ts'
import { SliceFile } from './content.ts'
import { type Digest, hexOf } from './digest.ts'
import { guardOf } from './file-guard.ts'
import { readIndex } from './layer-index.ts'
import { PassingTar, type TarSummary } from './passing-tar.ts'
import { treePath } from './store-paths.ts'
import type { StoreSession } from './store-session.ts'
import type { TarEntry } from './tar-entry.ts'
import type { TarEndOptions } from './tar-scan.ts'
import { TempFile } from './temp-file.ts'

/** A raw tar in the store with what is in it. */
export interface IndexedTar {
  readonly diffId: Digest
  /** Made anew each time. Offsets in them count from the start of `file`. */
  entries(): Iterable<TarEntry>
  readonly file: SliceFile
}

/** A raw tar that was written and indexed and is not published yet. */
export interface ScannedTar extends TarSummary {
  readonly file: TempFile
}

const ANEW = 'Run the same command again: what is missing is fetched or made anew.'

/** Raw tars by the sha256 of their bytes, each with an index of its members: a file is a slice of one of them. */
export class StoreLayers {
  readonly #folder: string
  readonly #session: StoreSession
  /** Those that were looked into: nobody changes a raw tar, so once is enough. */
  readonly #open = new Map<Digest, IndexedTar>()
  readonly #removed: SliceFile[] = []
  readonly #written = new Set<Digest>()

  constructor(folder: string, session: StoreSession) {
    this.#folder = folder
    this.#session = session
  }

  async has(diffId: Digest): Promise<boolean> {
    return (await this.open(diffId)) !== undefined
  }

  /** Undefined when it is not there, or not whole: then what there is of it is removed. */
  async open(diffId: Digest): Promise<IndexedTar | undefined> {
    const known = this.#open.get(diffId)
    if (known !== undefined) return known
    const path = await this.#session.pin(this.#tar(diffId))
    if (path === undefined) return undefined
    try {
      const tar = this.#indexed(diffId, await readFile(this.#index(diffId)), path)
      if ((await stat(path)).size !== tar.file.guard?.size) return await this.remove(diffId)
      return this.#opened(tar)
    } catch (error) {
      const corrupt = error instanceof OcibakeError && error.code === 'STORE_CORRUPT'
      if (!corrupt && systemCode(error) !== 'ENOENT') throw error
      return await this.remove(diffId)
    }
  }

  /** @throws STORE_CORRUPT for bytes that are no index of it */
  #indexed(diffId: Digest, index: Buffer, path: string): IndexedTar {
    const { size, checks, entries } = readIndex(index, diffId)
    const guard = guardOf(checks, size, { isOwn: this.#written.has(diffId) })
    const file: SliceFile = new SliceFile(path, {
      digest: diffId,
      guard,
      damaged: () => this.#damaged(diffId, file),
    })
    return { diffId, entries, file }
  }

  /** As `open`, for one that must be there. @throws STORE_CORRUPT */
  async opened(diffId: Digest): Promise<IndexedTar> {
    const tar = await this.open(diffId)
    if (tar !== undefined) return tar
    throw new OcibakeError('STORE_CORRUPT', `The store has no unpacked layer ${diffId} any more.`, {
      hint: ANEW,
    })
  }

  /**
   * Writes, hashes and indexes a raw tar in one pass. The caller publishes or discards `file`.
   * @param end as for `TarScanner.end`
   */
  async scan(
    bytes: AsyncIterable<Uint8Array>,
    file: TempFile,
    signal?: AbortSignal,
    end?: TarEndOptions,
  ): Promise<ScannedTar> {
    const tar = new PassingTar()
    for await (const chunk of bytes) {
      signal?.throwIfAborted()
      await file.write(chunk)
      tar.push(chunk)
    }
    return { ...tar.end(end), file }
  }

  create(): Promise<TempFile> {
    return TempFile.create(this.#session.newPath('tar'))
  }

  /** Publishes the tar and then its index, without which the tar does not count. */
  async commit({ diffId, index: bytes, file }: ScannedTar): Promise<void> {
    const index = await TempFile.create(this.#session.newPath('index'))
    try {
      await index.write(bytes)
      const tar = this.#tar(diffId)
      await this.#session.publish(file.path, tar, () => file.commit(tar))
      await index.commit(this.#index(diffId))
    } finally {
      await index.discard()
    }
    this.#written.add(diffId)
    // Somebody who prunes the store may have found an older one unused, and removes this one, too.
    this.#opened(this.#indexed(diffId, bytes, this.#session.pinned(this.#tar(diffId))!))
  }

  async remove(diffId: Digest): Promise<undefined> {
    const file = this.#open.get(diffId)?.file
    this.#open.delete(diffId)
    this.#written.delete(diffId)
    // Trees may still point to it, and threads may be reading.
    if (file !== undefined) this.#removed.push(file)
    await rm(this.#index(diffId), { force: true })
    await rm(treePath(this.#folder, diffId), { force: true })
    await rm(this.#tar(diffId), { force: true })
    await this.#session.unpin(this.#tar(diffId))
  }

  close(): void {
    for (const { file } of this.#open.values()) file.close()
    for (const file of this.#removed) file.close()
    this.#open.clear()
    this.#removed.length = 0
  }

  async #damaged(diffId: Digest, file: SliceFile): Promise<OcibakeError> {
    // It may have been taken in anew since.
    if (this.#open.get(diffId)?.file === file) await this.remove(diffId)
    return new OcibakeError(
      'STORE_CORRUPT',
      `The store's unpacked layer ${diffId} was damaged, and has been removed.`,
      {
        hint: ANEW,
      },
    )
  }

  /** The first of those who opened the same at the same time counts. */
  #opened(tar: IndexedTar): IndexedTar {
    const first = this.#open.get(tar.diffId) ?? tar
    this.#open.set(tar.diffId, first)
    return first
  }

  #tar(diffId: Digest): string {
    return join(this.#folder, `${hexOf(diffId)}.tar`)
  }

  #index(diffId: Digest): string {
    return join(this.#folder, `${hexOf(diffId)}.index`)
  }
}
