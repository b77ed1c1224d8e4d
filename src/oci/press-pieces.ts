import { availableParallelism } from 'node:os'
import { BodyReader } from './body-reader.ts'
import { type PieceJob, recipeOf } from './piece-job.ts'
import { PiecePool } from './piece-pool.ts'
import type { SharedPieces } from './piece-table.ts'
import type { PieceDone } from './piece-worker.ts'
import type { Piece } from './pieces.ts'

export interface PressOptions {
  readonly signal: AbortSignal
  /** Members that may be copied instead of made: the result is the same. */
  readonly known: SharedPieces
  /** By default one a core, at most 4: each has 14 MB. The result is the same with any number. */
  readonly threads?: number
  /** Gets every raw piece, in order, before it is yielded; its memory is not used again before this resolves. */
  readonly onRaw?: (piece: Pick<PieceJob, 'memory' | 'size'>) => Promise<void>
}

/** A piece and its gzip member. Both are views of memory that is used again when the next piece is asked for. */
export interface PressedPiece extends PieceDone {
  readonly raw: Uint8Array<SharedArrayBuffer>
  readonly member: Uint8Array
}

/** Pieces that `onRaw` may be behind. */
const BEHIND = 2
/** Most pieces fit; see `cutPieces`. */
const USUAL = 1344 << 10

/**
 * The pieces in their order, each with its gzip member (RFC 1952, section 2.2), without name or time, made by libdeflate
 * in WebAssembly: the same bytes on every machine, which Node's own zlib does not promise.
 *
 * Threads read files, hash and compress; the main thread only plans, and reads what is no plain file. Memory is bounded:
 * two pieces a thread, and few that `onRaw` still reads. Threads end with the iteration, however it ends, and never
 * keep the process.
 *
 * @throws the signal's reason on abort; FILE_CHANGED and whatever else a content throws; whatever `pieces` throws
 */
export async function* pressPieces(
  pieces: Iterable<Piece>,
  { signal, known, threads = Math.min(availableParallelism(), 4), onRaw = async () => {} }: PressOptions,
): AsyncGenerator<PressedPiece> {
  const pool = new PiecePool(threads, known)
  const abort = () => pool.fail(signal.reason)
  signal.addEventListener('abort', abort)
  const press = new Press(pool)
  const source = pieces[Symbol.iterator]()
  try {
    const inFlight: Promise<PressedPiece>[] = []
    const read: { pressed: PressedPiece; done: Promise<void> }[] = []
    for (let more = true; ; ) {
      while (more && inFlight.length < 2 * threads) {
        signal.throwIfAborted()
        const next = source.next()
        more = next.done !== true
        if (next.done !== true) inFlight.push(press.run(await press.load(next.value)))
      }
      const first = inFlight.shift()
      if (first === undefined) return
      const pressed = await first
      const done = onRaw({ memory: pressed.raw.buffer, size: pressed.raw.byteLength })
      done.catch(() => {})
      yield pressed
      read.push({ pressed, done })
      for (let last = read[0]; last !== undefined && read.length > BEHIND; last = read[0]) {
        await last.done
        press.reuse(last.pressed)
        read.shift()
      }
    }
  } finally {
    signal.removeEventListener('abort', abort)
    await pool.close()
    await press.close()
    source.return?.()
  }
}

/** A piece whose job is ready. */
interface Loaded {
  readonly piece: Piece
  readonly job: PieceJob
}

class Press {
  readonly #pool: PiecePool
  readonly #reader = new BodyReader()
  /** Memory that came back: without it, dead buffers pile up faster than they are collected. */
  readonly #spare: Pick<PieceJob, 'memory' | 'room'>[] = []

  constructor(pool: PiecePool) {
    this.#pool = pool
  }

  async load(piece: Piece): Promise<Loaded> {
    return { piece, job: await loadJob(piece, this.#memoryFor(piece.size), this.#reader) }
  }

  run(loaded: Loaded): Promise<PressedPiece> {
    const pressed = this.#run(loaded)
    // Whoever takes the pieces in order may never come to this one.
    pressed.catch(() => {})
    return pressed
  }

  /** The piece's bytes are no longer needed. */
  reuse({ raw, member }: PressedPiece): void {
    this.#spare.push({ memory: raw.buffer, room: member.byteOffset })
  }

  close(): Promise<void> {
    return this.#reader.close()
  }

  async #run({ piece, job }: Loaded): Promise<PressedPiece> {
    const { memory, room, size } = job
    const answer = await this.#pool.run(job)
    const done = answer === 'unread' ? await this.#again(piece, job) : answer
    return { ...done, raw: new Uint8Array(memory, 0, size), member: new Uint8Array(memory, room, done.size) }
  }

  /** Reads a piece that a thread could not read in the ordinary way, which says what is wrong, or finds nothing wrong. */
  async #again(piece: Piece, job: PieceJob): Promise<PieceDone> {
    const reader = new BodyReader()
    try {
      const answer = await this.#pool.run(await loadJob(piece, job, reader, true))
      if (answer !== 'unread') return answer
      throw new Error('a thread could not make a piece of which it had to read nothing')
    } finally {
      await reader.close()
    }
  }

  #memoryFor(size: number): Pick<PieceJob, 'memory' | 'room'> {
    const spare = this.#spare.pop()
    if (spare !== undefined && spare.room >= size) return spare
    const room = Math.max(size, USUAL)
    // Behind it, the member: what does not compress becomes larger by 5 bytes in 5000, at most.
    return { memory: new SharedArrayBuffer(2 * room + (room >> 6) + 4096), room }
  }
}

async function loadJob(
  piece: Piece,
  { memory, room }: Pick<PieceJob, 'memory' | 'room'>,
  reader: BodyReader,
  streamAll = false,
): Promise<PieceJob> {
  const { streamed, ...recipe } = recipeOf(piece, streamAll)
  const bytes = new Uint8Array(memory)
  let packed = room
  for (const part of piece.parts) {
    if (part.kind !== 'header') continue
    bytes.set(part.bytes, packed)
    packed += part.bytes.byteLength
  }
  for (const body of streamed) await reader.read(body, bytes)
  return { memory, room, size: piece.size, ...recipe }
}
