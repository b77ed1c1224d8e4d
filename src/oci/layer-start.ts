import { type Digest, digestOf } from './digest.ts'
import type { Section } from './divide.ts'
import { INDEX_VERSION } from './layer-index.ts'
import type { FileMark } from './layer-sink.ts'
import type { LayerSources } from './layer-sources.ts'
import { COMPRESSOR } from './piece-index.ts'
import type { Store } from './store.ts'

/** Goes up whenever the same sections of the same base become other bytes. */
const VERSION = 1

/** What one or more sections became, as a layer has it that is in the store. */
export interface LayerStart extends FileMark {
  readonly blob: Digest
  /** As `state`, of the sections uncompressed. */
  readonly rawState: Uint8Array
  /** How many sections. */
  readonly count: number
}

/** What the store keeps of a start, under its key. */
interface StartRecord {
  readonly kind: 'start'
  readonly blob: Digest
  readonly size: number
  /** Each in base64; numbers of 32 bits, little-endian. */
  readonly checks: string
  readonly state: string
  readonly rawState: string
}

/**
 * For each section what decides the bytes from the start to its end, compressed with gzip; none for the last one, and for
 * those of which that is not known.
 */
export function startKeys(sections: readonly Section[], { below, tars, gzips }: LayerSources): Digest[] {
  const blobs = tars.map((tar) => gzips.find(({ file }) => file === tar)?.blob)
  if (below.length === 0) return []
  // Of any other file it would have to be known what is in it.
  if (![...tars, ...blobs].every((file) => file === undefined || file.digest !== undefined)) return []
  const files = tars.map((tar, i) => [tar.digest, blobs[i]?.digest ?? null])
  const keys: Digest[] = []
  let before = digestOf(JSON.stringify(['ocibake start', VERSION, INDEX_VERSION, COMPRESSOR, below, files]))
  for (const { mark } of sections.slice(0, -1)) {
    if (mark === undefined) break
    before = digestOf(`${before} ${mark}`)
    keys.push(before)
  }
  return keys
}

/** The longest start that the store has. @param keys as `startKeys` gives them */
export async function findStart(store: Store, keys: readonly Digest[]): Promise<LayerStart | undefined> {
  for (const [i, key] of [...keys.entries()].reverse()) {
    const record = (await store.get(key)) as StartRecord | undefined
    if (record?.kind !== 'start') continue
    const { blob, size } = record
    if (!(await store.has(blob)) || (await store.blobSize(blob)) < size) continue
    const checks = bytesOf(record.checks)
    return {
      blob,
      size,
      checks: new Uint32Array(checks.buffer, checks.byteOffset, checks.length / 4),
      state: bytesOf(record.state),
      rawState: bytesOf(record.rawState),
      count: i + 1,
    }
  }
  return undefined
}

/** Keeps it for layers that start so, too. The last one wins. @throws DISK_FULL */
export async function keepStart(
  store: Store,
  key: Digest,
  { blob, size, checks, state, rawState }: Omit<LayerStart, 'count'>,
): Promise<void> {
  await store.set(key, {
    kind: 'start',
    blob,
    size,
    checks: textOf(checks),
    state: textOf(state),
    rawState: textOf(rawState),
  } satisfies StartRecord)
}

function bytesOf(text: string): Uint8Array {
  // Of its own: a view of Node's pool could begin anywhere.
  return new Uint8Array(Buffer.from(text, 'base64'))
}

function textOf({ buffer, byteOffset, byteLength }: Uint8Array | Uint32Array): string {
  return Buffer.from(buffer, byteOffset, byteLength).toString('base64')
}
