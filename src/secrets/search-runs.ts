import { closeSync, constants, openSync, readSync } from 'node:fs'
import { systemCode } from '../errors.ts'
import type { FileRun, HostPaths } from './file-runs.ts'
import { type Found, type Range, SecretPatterns, SecretSearch } from './secret-search.ts'
import type { SecretValue } from './secret-values.ts'

/** Files to be searched, and for what. Can be sent to a thread. */
export interface SearchJob {
  readonly values: readonly SecretValue[]
  readonly where: ConstructorParameters<typeof SecretPatterns>[1]
  readonly runs: readonly FileRun[]
}

/** A secret in a file of a job. */
export interface FoundIn extends Pick<Found, 'kind' | 'needle'> {
  /** The number that the file has in its run. */
  readonly file: number
}

/** What a job comes to. */
export interface SearchResult {
  readonly found: readonly FoundIn[]
  /** Every file could be read to its end. */
  readonly isWhole: boolean
}

/** As `searchRuns`, for each job. */
export function searchJobs(jobs: readonly SearchJob[]): SearchResult[] {
  return jobs.map(({ values, where, runs }) => searchRuns(runs, new SecretPatterns(values, where)))
}

/**
 * Reads and searches, without a break. A file that cannot be read is passed over: whoever writes it into the image will
 * say what is wrong with it. Each kind of secret is told once for a file.
 */
export function searchRuns(runs: readonly FileRun[], patterns: SecretPatterns): SearchResult {
  if (patterns.isEmpty) return { found: [], isWhole: true }
  const found = new Map<string, FoundIn>()
  let isWhole = true
  const borders = new Borders()
  const search = new SecretSearch(patterns, (at) => borders.rangeAt(at))
  for (const run of runs) {
    borders.run = run
    try {
      if (!read(run, search)) isWhole = false
    } catch (error) {
      if (systemCode(error) === undefined) throw error
      isWhole = false
    }
    for (const { kind, needle, at } of search.end()) {
      const told = needle && { name: needle.name, form: needle.form }
      for (const file of borders.filesAt(at)) {
        found.set(`${file} ${kind} ${told?.name} ${told?.form}`, { file, kind, ...(told && { needle: told }) })
      }
    }
  }
  return { found: [...found.values()], isWhole }
}

/** The files of one run, by bytes counted from the start of the first. */
class Borders {
  run: FileRun | undefined

  rangeAt(at: number): Range | undefined {
    const { starts, ends } = this.run!
    const index = this.#indexAt(at)
    const first = starts[0]!
    const range = { start: starts[index]! - first, end: ends[index]! - first }
    return at < range.end ? range : undefined
  }

  /** The same bytes may be those of several files. */
  *filesAt(at: number): Generator<number> {
    const { starts, files } = this.run!
    const last = this.#indexAt(at)
    for (let index = last; starts[index] === starts[last]; index--) yield files[index]!
  }

  /** Of the last file that starts there or before. */
  #indexAt(at: number): number {
    const { starts } = this.run!
    const wanted = starts[0]! + at
    let [low, high] = [0, starts.length - 1]
    while (low < high) {
      const middle = (low + high + 1) >> 1
      if (starts[middle]! <= wanted) low = middle
      else high = middle - 1
    }
    return low
  }
}

/** @returns whether it is all there */
function read({ source, starts, ends }: FileRun, search: SecretSearch): boolean {
  const [start, end] = [starts[0]!, ends.at(-1)!]
  if (source.kind === 'memory') {
    search.push(source.bytes)
    return true
  }
  if (source.kind === 'descriptor') return readFrom(source.descriptor, start, end, search) === end
  return readPaths(source, starts, ends, search)
}

/** Behind a file that is not as long as it was, the next one is where it would be. */
function readPaths(
  { paths, pathEnds }: HostPaths,
  starts: Float64Array,
  ends: Float64Array,
  search: SecretSearch,
): boolean {
  let isWhole = true
  let from = 0
  for (const [i, to] of pathEnds.entries()) {
    const size = ends[i]! - starts[i]!
    const read = readPath(Buffer.from(paths.buffer, paths.byteOffset + from, to - from), size, search)
    if (read < size) {
      isWhole = false
      search.skip(size - read)
    }
    from = to
  }
  return isWhole
}

/** @returns how many bytes could be read */
function readPath(path: Buffer, size: number, search: SecretSearch): number {
  const before = search.size
  try {
    // Without O_NONBLOCK, opening a fifo that has taken the file's place would wait for ever.
    const descriptor = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
    try {
      readFrom(descriptor, 0, size, search)
    } finally {
      closeSync(descriptor)
    }
  } catch (error) {
    if (systemCode(error) === undefined) throw error
  }
  return search.size - before
}

/** @returns where there was nothing more to read, or `end` */
function readFrom(descriptor: number, start: number, end: number, search: SecretSearch): number {
  let at = start
  while (at < end) {
    const { space } = search
    const size = readSync(descriptor, space, 0, Math.min(space.byteLength, end - at), at)
    if (size === 0) break
    search.filled(size)
    at += size
  }
  return at
}
