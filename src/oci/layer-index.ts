import { OcibakeError } from '../errors.ts'
import { type Digest, Digester, digestOf } from './digest.ts'
import { EntryReader, EntryWriter } from './entry-codec.ts'
import type { TarEntry } from './tar-entry.ts'

/**
 * What the store knows of a raw tar without reading it. The members are kept as bytes, 20 to 40 each, and made anew
 * each time they are gone through: half a million of them as objects take a hundred times that.
 */
export interface LayerIndex {
  readonly diffId: Digest
  /** Bytes of the raw tar. */
  readonly size: number
  /** See `FileChecks`; of the raw tar. */
  readonly checks: Uint32Array
  entries(): Iterable<TarEntry>
}

/** Goes up whenever the format or what TarScanner finds in the same bytes changes; other versions are not read. */
export const INDEX_VERSION = 3

interface Head {
  readonly version: number
  readonly diffId: Digest
  readonly size: number
  /** How many of them follow, 32 bits each, little-endian. */
  readonly checks: number
}

/** An index in the making: members are added as they are found. */
export class IndexWriter {
  readonly #entries = new EntryWriter()

  /** Members have to come in the order of the archive. */
  add(entry: TarEntry): void {
    this.#entries.write(entry)
  }

  /** The index as bytes: a line with the digest of all that follows, a line of JSON about the tar, its checks, the members. */
  finish(diffId: Digest, size: number, checks: Uint32Array): Buffer {
    const head: Head = { version: INDEX_VERSION, diffId, size, checks: checks.length }
    const parts = [Buffer.from(`${JSON.stringify(head)}\n`), bytesOf(checks), ...this.#entries.finish()]
    const digester = new Digester()
    for (const part of parts) digester.update(part)
    return Buffer.concat([Buffer.from(`${digester.digest()}\n`), ...parts])
  }
}

/** @throws STORE_CORRUPT for bytes that an IndexWriter of this version did not write for this layer */
export function readIndex(bytes: Buffer, diffId: Digest): LayerIndex {
  try {
    const [digest, rest] = cutLine(bytes)
    if (digest !== digestOf(rest)) throw corrupt(diffId)
    const [line, body] = cutLine(rest)
    const head: Head = JSON.parse(line)
    if (head.version !== INDEX_VERSION || head.diffId !== diffId) throw corrupt(diffId)
    const checks = checksIn(body, head.checks)
    const members = body.subarray(checks.byteLength)
    return { diffId, size: head.size, checks, entries: () => new EntryReader(members) }
  } catch (error) {
    throw error instanceof OcibakeError ? error : corrupt(diffId, error)
  }
}

function bytesOf(checks: Uint32Array): Buffer {
  const bytes = Buffer.alloc(checks.byteLength)
  for (const [i, check] of checks.entries()) bytes.writeUInt32LE(check, 4 * i)
  return bytes
}

function checksIn(bytes: Buffer, count: number): Uint32Array {
  return Uint32Array.from({ length: count }, (_, i) => bytes.readUInt32LE(4 * i))
}

function cutLine(bytes: Buffer): [line: string, rest: Buffer] {
  const end = bytes.indexOf(0x0a)
  return [bytes.toString('latin1', 0, end), bytes.subarray(end + 1)]
}

function corrupt(diffId: Digest, cause?: unknown): OcibakeError {
  return new OcibakeError('STORE_CORRUPT', `The index of layer ${diffId} is not what was written.`, {
    hint: 'Run: ocibake cache verify',
    cause,
  })
}
