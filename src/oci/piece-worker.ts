import { createHash } from 'node:crypto'
import { closeSync, openSync, readFileSync } from 'node:fs'
import { parentPort } from 'node:worker_threads'
import { copyPart } from './copy-part.ts'
import { crc32 } from './crc32.ts'
import { Deflater } from './deflater.ts'
import { LayerSink } from './layer-sink.ts'
import type { MadePiece } from './piece.ts'
import { fillPiece, fillSpliced, readFully } from './piece-fill.ts'
import type { PieceJob } from './piece-job.ts'
import type { Appended, BeginJob, PieceAnswer, PieceDone, PieceQuestions, PieceReplies } from './piece-questions.ts'
import { PieceTable, type SharedPieces } from './piece-table.ts'
import { splice } from './splice.ts'

/** Blobs that are open at a time: one image's pieces come from few. */
const MOST_OPEN = 16

let known: { readonly blobs: readonly string[]; readonly table: PieceTable } | undefined
const descriptors = new Map<number, number>()
/** Jobs are answered in their order. */
let working: Promise<unknown> = Promise.resolve()
/** A thread that only copies does without. */
let deflater: Deflater | undefined
let sink: LayerSink | undefined
/** A piece could not be made: what comes behind it has to wait for it. */
let isWaiting = false

parentPort?.on('message', (question: Partial<PieceQuestions>) => {
  working = working.then(async () => parentPort?.postMessage(await reply(question)))
})

async function reply(question: Partial<PieceQuestions>): Promise<Partial<PieceReplies>> {
  const { learn, make, append: piece, copy, begin, mark, end, prepare } = question
  if (learn !== undefined) return { learn: learned(learn) }
  if (prepare !== undefined) return { prepare: begun() }
  if (make !== undefined) return { make: makeAndAppend(make) }
  if (piece !== undefined) return { append: append(piece, piece.into) }
  if (copy !== undefined) return { copy: copyPart(copy) ? 'copied' : 'damaged' }
  if (begin !== undefined) return { begin: beginSink(begin) }
  if (mark !== undefined) return { mark: sinkOf(mark).mark() }
  return end === undefined ? {} : { end: sinkOf(end).end() }
}

function learned(pieces: SharedPieces): true {
  known = { blobs: pieces.blobs, table: new PieceTable(pieces) }
  return true
}

function begun(): true {
  try {
    deflater ??= new Deflater()
    // Without native code, a little text has V8 compile and then optimise the WebAssembly.
    deflater.gzip(readFileSync(new URL(import.meta.url)))
  } catch {
    // What fails here fails again where it is needed.
  }
  return true
}

function makeAndAppend(job: PieceJob): PieceAnswer {
  const { memory, room, size, kind, into } = job
  const made = work(job)
  if (typeof made === 'string') {
    isWaiting ||= into !== undefined
    return made
  }
  const { done, member } = made
  if (into !== undefined && !isWaiting) {
    return { ...done, appended: append({ ...done, kind, raw: new Uint8Array(memory, 0, size), member }, into) }
  }
  if (member.buffer !== memory) new Uint8Array(memory, room).set(member)
  return done
}

function append(piece: MadePiece, into: number): Appended {
  const to = sinkOf(into)
  return { offset: to.append(piece), fileSize: to.size }
}

function beginSink({ into, from }: BeginJob): true {
  sink = new LayerSink(into, from ?? 'start')
  return true
}

function sinkOf(descriptor: number): LayerSink {
  sink ??= new LayerSink(descriptor)
  return sink
}

/** A piece, and where what it is compressed is: in the job's memory, or in some that is used again by the next. */
interface Made {
  readonly done: PieceDone
  readonly member: Uint8Array
}

function work(job: PieceJob): Made | 'unread' | 'damaged' {
  if (job.blocks !== undefined) return spliced(job.blocks, job)
  try {
    fillPiece(job)
  } catch {
    return 'unread'
  }
  const raw = new Uint8Array(job.memory, 0, job.size)
  // The same bytes as a member of its own and as the beginning of one are two things.
  const hash = createHash('sha256')
  if (job.kind === 'open') hash.update('open ')
  const key = hash.update(raw).digest()
  const made = copied(key, job) ?? compressed(key, raw, job)
  return job.kind === 'open' ? { ...made, done: { ...made.done, rawCrc: crc32(raw) } } : made
}

function spliced(blocks: NonNullable<PieceJob['blocks']>, job: PieceJob): Made | 'unread' | 'damaged' {
  let rawCrc: number
  try {
    rawCrc = fillSpliced(job)
  } catch {
    return 'unread'
  }
  const member = splice(blocks)
  return member === undefined ? 'damaged' : { done: { size: member.byteLength, rawCrc }, member }
}

/** The member as it is in a blob of the store; undefined when none has it, or the blob is gone or damaged. */
function copied(key: Buffer, { memory, room }: PieceJob): Made | undefined {
  const found = known?.table.find(key)
  if (found === undefined || found.size > memory.byteLength - room) return undefined
  const { blob, offset, size, crc } = found
  const member = new Uint8Array(memory, room, size)
  try {
    readFully(descriptorOf(blob), member, 0, size, offset)
  } catch {
    return undefined
  }
  return crc32(member) === crc ? { done: { size, row: { key, crc }, blob }, member } : undefined
}

function compressed(key: Buffer, raw: Uint8Array, { kind }: PieceJob): Made {
  deflater ??= new Deflater()
  const member = kind === 'open' ? deflater.open(raw) : deflater.gzip(raw)
  return { done: { size: member.byteLength, row: { key, crc: crc32(member) } }, member }
}

function descriptorOf(blob: number): number {
  const open = descriptors.get(blob)
  if (open !== undefined) return open
  const descriptor = openSync(known!.blobs[blob]!, 'r')
  descriptors.set(blob, descriptor)
  if (descriptors.size > MOST_OPEN) {
    const [first, oldest] = descriptors.entries().next().value!
    descriptors.delete(first)
    closeSync(oldest)
  }
  return descriptor
}
