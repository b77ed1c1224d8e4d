import { readFileSync, statSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { type Digest, digestOf, hexOf } from '../oci/digest.ts'
import { type ByteString, fromBytes, fromText, toBytes } from '../oci/name.ts'
import { recordIn } from '../oci/record-bytes.ts'
import type { Store } from '../oci/store.ts'
import { storePaths } from '../oci/store-paths.ts'
import type { Fingerprint } from '../provision/fingerprint.ts'
import type { HostNode, HostRegular } from '../provision/host-source.ts'
import { stampOf } from '../provision/known-files.ts'
import type { Plan } from '../spec/plan.ts'

/** What the store keeps of the files of this machine that went into a build. */
interface StampsRecord {
  readonly kind: 'stamps'
  /** Host path and stamp. */
  readonly files: readonly (readonly [ByteString, string])[]
  readonly hasMany: boolean
}

/** Files that are looked at: each takes 5 µs, before anything else is done. */
const MOST = 400

/** What is to be expected of a build, by the last one of its spec file. */
export interface Look {
  /** A file that went into it looks otherwise now: there will be a layer to write, most likely. */
  readonly isChanged: boolean
  /** More files of this machine went into it than are looked at. */
  readonly hasMany: boolean
}

/**
 * A guess, made in 2 ms before spec or registry are asked; undefined when there was no build. Never throws.
 * @param root of the store, of which nothing is changed
 */
export function lookAhead(root: string, spec: string): Look | undefined {
  try {
    const key = keyOf(spec)
    const bytes = readFileSync(join(storePaths(resolve(root)).records, hexOf(key)))
    const record = recordIn(bytes, key) as StampsRecord | undefined
    if (record?.kind !== 'stamps') return undefined
    const { files, hasMany } = record
    return { isChanged: files.slice(0, MOST).some(([path, stamp]) => stampAt(path) !== stamp), hasMany }
  } catch {
    return undefined
  }
}

/**
 * Keeps what `lookAhead` compares with. Of very many files those that were changed last: they are edited again.
 * @throws DISK_FULL
 */
export async function keepStamps(store: Store, plan: Plan, fingerprints: readonly Fingerprint[]): Promise<void> {
  const found: HostRegular[] = []
  for (const { taken } of fingerprints) if (taken?.kind === 'files' && taken.source) collect(taken.source, found)
  const spec = fromText(resolve(plan.file))
  const files = lastChanged(found, MOST - 1).map(({ path, stat }) => [fromBytes(path), stampOf(stat)] as const)
  const all = [[spec, stampAt(spec) ?? ''] as const, ...files]
  const record: StampsRecord = { kind: 'stamps', files: all, hasMany: found.length >= MOST }
  await store.set(keyOf(plan.file), record)
}

function keyOf(spec: string): Digest {
  return digestOf(`ocibake stamps of ${resolve(spec)}`)
}

function collect(node: HostNode, into: HostRegular[]): void {
  if (node.kind === 'file') into.push(node)
  if (node.kind === 'directory') for (const child of node.children.values()) collect(child, into)
}

function lastChanged(files: readonly HostRegular[], most: number): readonly HostRegular[] {
  if (files.length <= most) return files
  // Numbers alone are sorted in a tenth of the time, while a layer waits to be written.
  const times = Float64Array.from(files, ({ stat }) => Number(stat.mtimeNs))
  const oldest = times.toSorted().at(-most)!
  return files.filter((_, i) => times[i]! >= oldest).slice(0, most)
}

/** undefined where nothing is. */
function stampAt(path: ByteString): string | undefined {
  const stat = statSync(toBytes(path), { bigint: true, throwIfNoEntry: false })
  if (stat === undefined) return undefined
  const { size, mtimeNs, ctimeNs, ino } = stat
  return stampOf({ size: Number(size), mtimeNs, ctimeNs, ino })
}
