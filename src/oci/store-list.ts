import { statSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { type Digest, isDigest } from './digest.ts'
import type { Store } from './store.ts'
import { storePaths } from './store-paths.ts'

/** One thing in the store. */
export interface StoreEntry {
  /** A blob with the indexes of its pieces and blocks; a raw tar with its index and tree; a record. */
  readonly kind: 'blob' | 'layer' | 'record'
  /** Of the bytes for a blob and a layer; the key of a record. */
  readonly digest: Digest
  /** Bytes of all its files. */
  readonly size: number
  /** Milliseconds since 1970. */
  readonly lastUsed: number
  /** A store that is open somewhere may still read it. */
  readonly inUse: boolean
  /** Host paths; the one without which the rest does not count comes last. */
  readonly paths: readonly string[]
}

/** Everything in the store, by kind and digest. Files with other names than the store gives are none of it. */
export async function listStore({ root }: Pick<Store, 'root'>): Promise<StoreEntry[]> {
  const { blobs, pieces, blocks, layers, records } = storePaths(root)
  return [
    // An index may be left of a blob that is gone.
    ...(await listFiles('blob', [pieces, ''], [blocks, ''], [blobs, ''])),
    ...(await listFiles('layer', [layers, '.tree'], [layers, '.index'], [layers, '.tar'])),
    ...(await listFiles('record', [records, ''])),
  ]
}

/** A folder, and what the names of its files have behind the digest. */
type Place = readonly [folder: string, end: string]

/** What is in `places`, whose order is that of an entry's paths. */
async function listFiles(kind: StoreEntry['kind'], ...places: readonly Place[]): Promise<StoreEntry[]> {
  const paths = new Map<Digest, string[]>()
  const names = await Promise.all(places.map(([folder]) => readdir(folder)))
  for (const [i, [folder, end]] of places.entries()) {
    for (const name of names[i]!) {
      const digest = `sha256:${name.slice(0, name.length - end.length)}`
      if (!name.endsWith(end) || !isDigest(digest)) continue
      const known = paths.get(digest)
      if (known === undefined) paths.set(digest, [join(folder, name)])
      else known.push(join(folder, name))
    }
  }
  const digests = [...paths.keys()].sort()
  const entries = digests.map((digest) => describeEntry(kind, digest, paths.get(digest)!))
  return entries.filter((entry) => entry !== undefined)
}

/** What is there of an entry; undefined when nothing is any more. */
function describeEntry(kind: StoreEntry['kind'], digest: Digest, all: readonly string[]): StoreEntry | undefined {
  const paths: string[] = []
  let [size, lastUsed, inUse] = [0, 0, false]
  for (const path of all) {
    // Thousands of promises would take twice as long.
    const found = statSync(path, { throwIfNoEntry: false })
    if (found === undefined) continue
    paths.push(path)
    size += found.size
    lastUsed = Math.max(lastUsed, found.mtimeMs)
    // Whoever uses it has a hard link to it: see StoreSession.
    inUse ||= found.nlink > 1
  }
  return paths.length === 0 ? undefined : { kind, digest, size, lastUsed, inUse, paths }
}
