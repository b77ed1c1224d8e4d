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

/** Searches that builds on this store have done, and those of this one when it says so. */
export class SearchedBefore implements SearchMemory {
  readonly #store: Store
  readonly #values: readonly SecretValue[]
  readonly #news = new Map<Digest, () => boolean>()

  /** @param values those that can be older than a file of the store */
  constructor(store: Store, values: readonly SecretValue[]) {
    this.#store = store
    this.#values = values
  }

  async isClean(what: Digest): Promise<boolean> {
    const record = (await this.#store.get(this.#keyOf(what))) as SearchRecord | undefined
    return record?.kind === 'search' && (await isMarkOf(record.searchedFor, this.#values))
  }

  keep(what: Digest, isRight = () => true): void {
    this.#news.set(what, isRight)
  }

  /** Writes down what was clean. Before, others may find that what was searched was damaged. @throws DISK_FULL */
  async commit(): Promise<void> {
    for (const [what, isRight] of this.#news) {
      this.#news.delete(what)
      if (!isRight()) continue
      const record: SearchRecord = { kind: 'search', searchedFor: await markOf(this.#values) }
      await this.#store.set(this.#keyOf(what), record)
    }
  }

  #keyOf(what: Digest): Digest {
    return searchKey(
      what,
      this.#values.map(({ name }) => name),
    )
  }
}
