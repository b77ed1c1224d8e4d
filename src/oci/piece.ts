import type { Content } from './content.ts'
import type { GzipSource } from './gzip-source.ts'
import type { ByteString } from './name.ts'

/** A whole gzip member; one that splices follow; what goes on with one. */
export type PieceKind = 'closed' | 'open' | 'splice'

/** A part of an archive, `size` bytes of it: one to be compressed, or one that is compressed already. */
export type Piece = OwnPiece | Splice

/** What it is made of, in ascending order. What no part covers is zeros. */
export interface OwnPiece {
  readonly kind: 'own'
  readonly size: number
  readonly parts: readonly (PieceHeader | PieceBody)[]
  /** Its gzip member goes on with the splices behind it. */
  readonly isOpen: boolean
}

/** A member's whole header; `at` counts from the start of the piece. */
export interface PieceHeader {
  readonly kind: 'header'
  readonly at: number
  readonly bytes: Uint8Array
}

/** `size` bytes of a member's content from its byte `start` on; 0 bytes for an empty file. */
export interface PieceBody {
  readonly kind: 'body'
  readonly at: number
  readonly path: ByteString
  readonly content: Content
  readonly start: number
  readonly size: number
}

/** Just what the deflate blocks `from` to `to`, that one not among them, of a gzip blob say. */
export interface Splice {
  readonly kind: 'splice'
  readonly size: number
  readonly source: GzipSource
  readonly from: number
  readonly to: number
}

/** A piece, and what it is compressed. */
export interface MadePiece {
  readonly kind: PieceKind
  readonly raw: Uint8Array
  readonly member: Uint8Array
  /** Of a piece that is a part of a member. */
  readonly rawCrc?: number
}
