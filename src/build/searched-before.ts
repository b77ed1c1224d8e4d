import type { Digest } from '../oci/digest.ts'
import type { Store } from '../oci/store.ts'
import type { SearchMemory } from '../secrets/search-memory.ts'
import type { SecretValue } from '../secrets/secret-values.ts'
import { searchKey } from './cache-keys.ts'
import { isMarkOf, markOf } from './searched-for.ts'

/** What the store keeps of files that had no secret in them, under the key of their parts. */
interface SearchRecord {
  readonly kind: 'search'
  /** See `markOf`. */
  readonly searchedFor: string
}

/** Searches that builds on this store have done. @param values those that can be older than a file of the store */
export function searchedBefore(store: Store, values: readonly SecretValue[]): SearchMemory {
  return {
    isClean: async (what) => {
      const record = (await store.get(searchKey(what))) as SearchRecord | undefined
      return record?.kind === 'search' && (await isMarkOf(record.searchedFor, values))
    },
    keep: async (what: Digest) => {
      await store.set(searchKey(what), { kind: 'search', searchedFor: await markOf(values) } satisfies SearchRecord)
    },
  }
}
