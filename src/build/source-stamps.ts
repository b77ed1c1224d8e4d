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
}

/** Files that are looked at: each takes 5 µs, before anything else is done. */
const MOST = 400

/**
 * Whether a file that went into the last build of this spec file looks otherwise now: then there will be a layer to write,
 * most likely. A guess, made in 2 ms before spec or registry are asked; undefined when there was none. Never throws.
 * @param root of the store, of which nothing is changed
 */
export function looksChanged(root: string, spec: string): boolean | undefined {
  try {
    const key = keyOf(spec)
    const bytes = readFileSync(join(storePaths(resolve(root)).records, hexOf(key)))
    const record = recordIn(bytes, key) as StampsRecord | undefined
    if (record?.kind !== 'stamps') return undefined
    return record.files.slice(0, MOST).some(([path, stamp]) => stampAt(path) !== stamp)
  } catch {
    return undefined
  }
}

/**
 * Keeps what `looksChanged` compares with. Of very many files those that were changed last: they are edited again.
 * @throws DISK_FULL
 */
export async function keepStamps(store: Store, plan: Plan, fingerprints: readonly Fingerprint[]): Promise<void> {
  const found: HostRegular[] = []
  for (const { taken } of fingerprints) if (taken?.kind === 'files' && taken.source) collect(taken.source, found)
  const spec = fromText(resolve(plan.file))
  const files = lastChanged(found, MOST - 1).map(({ path, stat }) => [fromBytes(path), stampOf(stat)] as const)
  const record: StampsRecord = { kind: 'stamps', files: [[spec, stampAt(spec) ?? ''], ...files] }
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
  const dated = files.map((file) => ({ file, time: Number(file.stat.mtimeNs) }))
  return dated
    .sort((a, b) => b.time - a.time)
    .slice(0, most)
    .map(({ file }) => file)
}

/** undefined where nothing is. */
function stampAt(path: ByteString): string | undefined {
  const stat = statSync(toBytes(path), { bigint: true, throwIfNoEntry: false })
  if (stat === undefined) return undefined
  const { size, mtimeNs, ctimeNs, ino } = stat
  return stampOf({ size: Number(size), mtimeNs, ctimeNs, ino })
}
