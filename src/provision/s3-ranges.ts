import type { Readable } from 'node:stream'
import { gathered } from '../oci/gathered.ts'
import { type Download, PassingFault, steady, type Validated } from './download.ts'
import { changed } from './s3-failure.ts'

/** Bytes `start` to `end`, not included, of an object of `size` bytes. */
export interface RangeAnswer {
  readonly start: number
  readonly end: number
  readonly size: number
  /** Names the object's content: as long as it is the same, so are the bytes. */
  readonly etag: string
  readonly body: Readable
}

/**
 * Asks for bytes `start` to `end`; less may come at the object's end, and all of it from a server that knows no ranges.
 * undefined: the object still has the ETag that it was not to have.
 */
export type AskRange = (start: number, end: number, condition: Condition) => Promise<RangeAnswer | undefined>

/** ETags that the object must have, or must not have any more (RFC 9110, section 13.1). */
export interface Condition {
  readonly ifMatch?: string | undefined
  readonly ifNoneMatch?: string | undefined
}

export interface RangesOptions {
  /** An ETag. */
  readonly known?: string | undefined
  /** Looks at the bytes while they arrive; may throw. */
  check?(object: Pick<RangeAnswer, 'size' | 'etag'>): Promise<void>
}

/** Large enough that the way to the server and back does not count, small enough that a second try costs little. */
const PART = 8 << 20
const PARALLEL = 6
/** What is written at once. */
const GATHERED = 1 << 17

/**
 * Downloads an object in parts, several at once, each written to its place in the file and tried again by itself. The
 * answer to the first part tells size and etag; every later part must be of that same object. Nothing is downloaded of
 * one that still has the ETag `known`.
 * @throws FETCH_CHANGED and what `ask` and `check` throw
 */
export async function fetchRanges(
  ask: AskRange,
  download: Download,
  { known, check }: RangesOptions,
): Promise<Validated> {
  const first = await download.persist(() => ask(0, PART, { ifNoneMatch: known }))
  if (first === undefined || first.etag === known) {
    first?.body.destroy()
    return { etag: known, isUnchanged: true }
  }
  const { size, etag } = first
  try {
    download.expect(size)
  } catch (error) {
    first.body.destroy()
    throw error
  }
  const starts: number[] = []
  for (let start = first.end; start < size; start += PART) starts.push(start)

  const lane = async () => {
    for (let start = starts.shift(); start !== undefined; start = starts.shift()) {
      await fetchPart({ start, end: Math.min(start + PART, size) }, etag, ask, download)
    }
  }
  const lanes = [fetchPart({ start: 0, end: first.end }, etag, ask, download, first).then(lane)]
  while (lanes.length < Math.min(PARALLEL, starts.length + 1)) lanes.push(lane())
  // When a part fails it waits for bytes that never come, until the file is given up.
  const checking = check?.({ size, etag })
  checking?.catch(() => {})
  for (const running of lanes) running.catch((error: unknown) => download.cancel(error))
  await Promise.allSettled(lanes)
  download.throwIfInterrupted()
  await checking
  return { etag, isUnchanged: false }
}

async function fetchPart(
  { start, end }: Pick<RangeAnswer, 'start' | 'end'>,
  etag: string,
  ask: AskRange,
  download: Download,
  given?: RangeAnswer,
): Promise<void> {
  let at = start
  let ready = given
  await download.persist(async (reached) => {
    const answer = ready ?? (await ask(at, end, { ifMatch: etag }))
    ready = undefined
    if (answer?.etag !== etag) {
      answer?.body.destroy()
      throw changed(download.what)
    }
    if (answer.start !== at && answer.start === start) {
      download.advance(start - at)
      at = start
    }
    if (answer.start !== at) {
      answer.body.destroy()
      throw new PassingFault('the server answered with another range than it was asked for')
    }
    for await (const chunk of gathered(steady(answer.body, download.patience.idle), GATHERED)) {
      const wanted = chunk.subarray(0, end - at)
      download.file.write(at, wanted)
      at += wanted.byteLength
      download.advance(wanted.byteLength)
      reached(at)
      download.throwIfInterrupted()
    }
    if (at < end) throw new PassingFault(`the answer ended ${end - at} bytes too early`)
  })
}
