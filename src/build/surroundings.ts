import type { Report } from '../events.ts'
import type { Network } from '../network/network.ts'
import type { Store } from '../oci/store.ts'
import type { RootKeeper } from '../provision/root-keeper.ts'
import type { Aside } from './aside.ts'
import type { CacheRepo } from './cache-repo.ts'
import type { CacheUse } from './cache-use.ts'

/** What a build needs beside its plan and its base to make the layer. */
export interface BuildSurroundings {
  readonly store: Store
  /** 'auto' or the name of one. */
  readonly sandbox: string
  readonly allowInexactOwnership?: boolean
  readonly roots: RootKeeper
  readonly aside: Aside
  readonly cache: CacheUse
  /** Where what other machines have made may be. */
  readonly cacheRepo?: CacheRepo | undefined
  /** See ArchiveTools. */
  readonly blocks: boolean
  /** See BuildFacts. */
  readonly ownOutputs: ReadonlySet<string>
  readonly env: Readonly<Record<string, string | undefined>>
  readonly network: Network
  readonly report: Report
  readonly signal: AbortSignal
}
