import { Digester } from './digest.ts'
import type { Section } from './divide.ts'
import { CHECKED } from './gzip-blocks.ts'
import type { LayerSources } from './layer-sources.ts'
import type { LayerStart } from './layer-start.ts'
import { layerParts } from './layer-tar.ts'
import { LinkedNames } from './linked-names.ts'
import type { PieceRow } from './piece-index.ts'
import { PieceMemory } from './piece-memory.ts'
import type { PiecePool } from './piece-pool.ts'
import { cutPieces } from './pieces.ts'
import { type PressedPiece, type PressOptions, pressPieces } from './press-pieces.ts'
import { ResumableDigester } from './resumable-digester.ts'
import type { FillingFile } from './store-blobs.ts'
import type { WriteLayerOptions, WrittenLayer } from './write-layer-options.ts'

/** Bytes of another layer that are copied before whoever follows the file is told. */
const AT_ONCE = 64 * CHECKED

export interface MembersWriterOptions
  extends Pick<PressOptions, 'signal' | 'known'>,
    Pick<WriteLayerOptions, 'onProgress'> {
  readonly sources: LayerSources
  /** Its threads write the file. */
  readonly pool: PiecePool
  /** How many sections, from the first on, somebody wants to know the end of. */
  readonly marked: number
}

/** What a layer starts with, and the host path of the blob that has it. */
export interface CopiedStart extends LayerStart {
  readonly path: string
}

/** Writes the gzip members of one layer, in its sections. */
export class MembersWriter {
  /** What was copied. */
  copied: CopiedStart | undefined
  /** Where what was not copied is. */
  readonly rows: PieceRow[] = []
  /** The numbers of blobs that pieces were copied from. */
  readonly donors = new Set<number>()
  /** Of the sections that somebody wanted to know the end of. */
  readonly marks: Omit<LayerStart, 'blob'>[] = []
  readonly #sections: readonly Section[]
  readonly #options: MembersWriterOptions
  readonly #names: LinkedNames
  /** For all sections. */
  readonly #memory = new PieceMemory()
  /** What it is uncompressed is hashed here: the thread that writes has most to do. */
  #tar: Digester | ResumableDigester

  constructor(sections: readonly Section[], options: MembersWriterOptions) {
    this.#sections = sections
    this.#options = options
    this.#names = new LinkedNames(sections.map(({ layer }) => layer))
    this.#tar = options.marked > 0 ? new ResumableDigester() : new Digester()
  }

  /** Copies what the layer starts with, if it is still what it was. To be called first. @throws as `write` */
  async begin(file: FillingFile, start: CopiedStart | undefined): Promise<void> {
    const { pool, marked } = this.#options
    const into = file.descriptor
    const tar = start && ResumableDigester.resume(start.rawState)
    if (start !== undefined && tar !== undefined && (await this.#copy(file, start))) {
      await pool.begin({ into, from: start })
      for (const { layer } of this.#sections.slice(0, start.count)) this.#names.passed(layer)
      this.#tar = tar
      this.copied = start
      this.marks.push(start)
    } else if (marked > 0) await pool.begin({ into })
  }

  /** Writes the rest. @throws as `writeLayer` */
  async write(file: FillingFile): Promise<WrittenLayer> {
    const { sources, pool } = this.#options
    for (let count = (this.copied?.count ?? 0) + 1; count <= this.#sections.length; count++) {
      await this.#section(file, count)
      if (count <= this.#options.marked) await this.#mark(file, count)
    }
    // Headers were taken from the tars; what was read of their contents besides has been looked at.
    for (const tar of sources.tars) await tar.checkUse()
    return { ...(await pool.end(file.descriptor)), diffId: this.#tar.digest() }
  }

  /** @returns false when the blob has other bytes; what was copied until then is what would be written anyway */
  async #copy(file: FillingFile, { path, size, checks }: CopiedStart): Promise<boolean> {
    const { pool, signal } = this.#options
    for (let at = 0; at < size; at += AT_ONCE) {
      signal.throwIfAborted()
      const length = Math.min(AT_ONCE, size - at)
      const own = checks.slice(at / CHECKED, Math.ceil((at + length) / CHECKED))
      if (!(await pool.copy({ into: file.descriptor, path, at, length, checks: own }))) return false
      file.grew(at + length)
    }
    return true
  }

  async #section(file: FillingFile, count: number): Promise<void> {
    const { signal, known, pool, sources, onProgress } = this.#options
    const parts = layerParts(this.#sections[count - 1]!.layer, sources.tars, this.#names)
    const pieces = cutPieces(parts, sources, { goesOn: count < this.#sections.length })
    const onPiece = (piece: PressedPiece) => this.#append(piece, file)
    const pressed = pressPieces(pieces, {
      ...{ signal, known, pool, onPiece },
      memory: this.#memory,
      into: file.descriptor,
    })
    for await (const _ of pressed) onProgress?.(this.#tar.size)
  }

  async #append(piece: PressedPiece, file: FillingFile): Promise<void> {
    const { kind, raw, member, rawCrc, row, size, blob } = piece
    // Before anything is waited for: pieces come in their order.
    this.#tar.update(raw)
    const made = rawCrc === undefined ? { kind, raw, member } : { kind, raw, member, rawCrc }
    const appended = piece.appended ?? (await this.#options.pool.append({ ...made, into: file.descriptor }))
    file.grew(appended.fileSize)
    if (row !== undefined) this.rows.push({ ...row, offset: appended.offset, size })
    if (blob !== undefined) this.donors.add(blob)
  }

  async #mark(file: FillingFile, count: number): Promise<void> {
    if (!(this.#tar instanceof ResumableDigester)) return
    const mark = await this.#options.pool.mark(file.descriptor)
    file.grew(mark.size)
    this.marks.push({ ...mark, rawState: this.#tar.state(), count })
  }
}
