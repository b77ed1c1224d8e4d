import { BodyReader } from './body-reader.ts'
import { copiedSize } from './copy-blocks.ts'
import type { OwnPiece, Piece, PieceKind } from './piece.ts'
import { type PieceJob, recipeOf, spliceRecipe } from './piece-job.ts'
import { PieceMemory, type PieceRoom } from './piece-memory.ts'
import { PiecePool, usualThreads } from './piece-pool.ts'
import type { PieceDone } from './piece-questions.ts'
import type { SharedPieces } from './piece-table.ts'

export interface PressOptions {
  readonly signal: AbortSignal
  /** Members that may be copied instead of made: the result is the same. */
  readonly known: SharedPieces
  /** Default: `usualThreads`. */
  readonly threads?: number
  /** Threads that were started before, instead of such of its own, which it closes. */
  readonly pool?: PiecePool
  /** Where pieces are made; given back when the iteration has come to its end. Default: such of its own. */
  readonly memory?: PieceMemory
  /** Descriptor of a file to which the threads write the pieces as soon as they can. */
  readonly into?: number
  /** Gets every piece, in order, before it is yielded; its memory is not used again before this resolves. */
  readonly onPiece?: (piece: PressedPiece) => Promise<void>
}

/** A piece and what it is compressed. Both are views of memory that is used again when the next piece is asked for. */
export interface PressedPiece extends PieceDone {
  readonly raw: Uint8Array<SharedArrayBuffer>
  /** A gzip member; of an open piece how one begins, of a splice how it goes on. Unless it was appended. */
  readonly member: Uint8Array
  readonly kind: PieceKind
}

/** Pieces that `onPiece` may be behind. */
const BEHIND = 2

/**
 * The pieces in their order, each with its gzip member (RFC 1952, section 2.2), without name or time, made by libdeflate
 * in WebAssembly: the same bytes on every machine, which Node's own zlib does not promise. A member that an open piece
 * begins goes on with the splices behind it, copied from their blobs, and is to be closed by the caller.
 *
 * Threads read files, hash and compress; the main thread only plans, and reads what is no plain file. Memory is bounded:
 * two pieces a thread, and few that `onPiece` still reads. Threads of its own end with the iteration, however it ends, and
 * never keep the process; other ones are to be closed before their memory is.
 *
 * @throws the signal's reason on abort; FILE_CHANGED and whatever else a content throws; whatever `pieces` throws;
 * STORE_CORRUPT when a file of the store is not what it was
 */
export async function* pressPieces(
  pieces: Iterable<Piece>,
  {
    signal,
    known,
    threads = usualThreads(),
    pool,
    memory = new PieceMemory(),
    into,
    onPiece = async () => {},
  }: PressOptions,
): AsyncGenerator<PressedPiece> {
  const workers = pool ?? new PiecePool(threads, known)
  const abort = () => workers.fail(signal.reason)
  signal.addEventListener('abort', abort)
  const press = new Press(workers, into, memory)
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
      if (first === undefined) break
      const pressed = await first
      const done = onPiece(pressed)
      done.catch(() => {})
      yield pressed
      read.push({ pressed, done })
      for (let last = read[0]; last !== undefined && read.length > BEHIND; last = read[0]) {
        await last.done
        press.reuse(last.pressed)
        read.shift()
      }
    }
    for (const { pressed, done } of read) {
      await done
      press.reuse(pressed)
    }
  } finally {
    signal.removeEventListener('abort', abort)
    if (pool === undefined) await workers.close()
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
  readonly #into: number | undefined
  readonly #reader = new BodyReader()
  readonly #memory: PieceMemory

  constructor(pool: PiecePool, into: number | undefined, memory: PieceMemory) {
    this.#pool = pool
    this.#into = into
    this.#memory = memory
  }

  async load(piece: Piece): Promise<Loaded> {
    const memory = this.#memory.take(roomFor(piece))
    return { piece, job: await loadJob(piece, memory, this.#reader) }
  }

  run(loaded: Loaded): Promise<PressedPiece> {
    const pressed = this.#run(loaded)
    // Whoever takes the pieces in order may never come to this one.
    pressed.catch(() => {})
    return pressed
  }

  /** The piece's bytes are no longer needed. */
  reuse({ raw, member }: PressedPiece): void {
    this.#memory.giveBack({ memory: raw.buffer, room: member.byteOffset })
  }

  close(): Promise<void> {
    return this.#reader.close()
  }

  async #run({ piece, job }: Loaded): Promise<PressedPiece> {
    const { memory, room, size, kind } = job
    const answer = await this.#pool.run(job, this.#into)
    const done = typeof answer === 'string' ? await this.#again(piece, job, answer) : answer
    return { ...done, kind, raw: new Uint8Array(memory, 0, size), member: new Uint8Array(memory, room, done.size) }
  }

  /** Reads a piece that a thread could not read in the ordinary way, which says what is wrong, or finds nothing wrong. */
  async #again(piece: Piece, job: PieceJob, why: 'unread' | 'damaged'): Promise<PieceDone> {
    if (piece.kind === 'splice') throw await (why === 'damaged' ? piece.source.blob : piece.source.file).damaged()
    const reader = new BodyReader()
    try {
      const answer = await this.#pool.run(await loadJob(piece, job, reader, true))
      if (typeof answer !== 'string') return answer
      throw new Error('a thread could not make a piece of which it had to read nothing')
    } finally {
      await reader.close()
    }
  }
}

/** What must fit: raw or compressed, whichever is more. */
function roomFor(piece: Piece): number {
  if (piece.kind === 'own') return piece.size
  const { from, to, source } = piece
  const { start, end, flags } = source.blocks
  const columns = { start: start.subarray(from, to), end: end.subarray(from, to), flags: flags.subarray(from, to) }
  return Math.max(piece.size, copiedSize(columns))
}

async function loadJob(piece: Piece, memory: PieceRoom, reader: BodyReader, streamAll = false): Promise<PieceJob> {
  if (piece.kind === 'own') return await loadOwn(piece, memory, reader, streamAll)
  const { streamed: _, ...recipe } = spliceRecipe(piece)
  return { ...memory, size: piece.size, kind: 'splice', ...recipe }
}

async function loadOwn(
  piece: OwnPiece,
  { memory, room }: PieceRoom,
  reader: BodyReader,
  streamAll: boolean,
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
  return { memory, room, size: piece.size, kind: piece.isOpen ? 'open' : 'closed', ...recipe }
}
