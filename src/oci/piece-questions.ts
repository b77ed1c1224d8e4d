import type { CopyJob } from './copy-part.ts'
import type { FileMark, LayerEnd } from './layer-sink.ts'
import type { MadePiece } from './piece.ts'
import type { PieceRow } from './piece-index.ts'
import type { PieceJob } from './piece-job.ts'
import type { SharedPieces } from './piece-table.ts'

/** The piece is made, its compressed bytes are at `room`. */
export interface PieceDone {
  /** Compressed bytes. */
  readonly size: number
  /** If it was appended to the layer's file. */
  readonly appended?: Appended
  /** How other layers find and check them; splices are in their sources. */
  readonly row?: Pick<PieceRow, 'key' | 'crc'>
  /** CRC-32 of the raw piece, of one that is a part of a member. */
  readonly rawCrc?: number
  /** The number of the blob that they were copied from. */
  readonly blob?: number
}

/** A piece that is made, perhaps by another thread, to be appended to the layer's file. */
export interface AppendJob extends MadePiece {
  readonly into: number
}

/** The layer's file, and where it goes on; at its start if that is not said. */
export interface BeginJob {
  readonly into: number
  readonly from?: FileMark
}

/** Where a member is in the layer's file, and how many bytes that has now. */
export interface Appended {
  readonly offset: number
  readonly fileSize: number
}

/** What a thread can be asked, one at a time; it answers in the order in which it is asked. */
export interface PieceQuestions {
  readonly make: PieceJob
  readonly append: AppendJob
  readonly copy: CopyJob
  /** `mark` is going to be asked for. */
  readonly begin: BeginJob
  /** Descriptor of the layer's file: its members so far are to be whole. */
  readonly mark: number
  /** Descriptor of the layer's file: it is to be completed. */
  readonly end: number
  /** Pieces that can be copied, for all jobs that come. */
  readonly learn: SharedPieces
  /** There will be something to compress: what that takes is loaded while there is nothing to do. */
  readonly prepare: true
}

export interface PieceReplies {
  readonly learn: true
  /** It has begun. */
  readonly prepare: true
  readonly make: PieceAnswer
  readonly append: Appended
  readonly copy: 'copied' | 'damaged'
  readonly begin: true
  readonly mark: FileMark
  readonly end: LayerEnd
}

/** `unread`: a file could not be read; `damaged`: the source of a splice is not what it was. Nothing was made. */
export type PieceAnswer = PieceDone | 'unread' | 'damaged'
