import { messageOf, systemCode } from '../errors.ts'
import type { Report } from '../events.ts'
import type { Store } from '../oci/store.ts'
import { pruneStore } from '../oci/store-prune.ts'
import { formatBytes } from '../report/quantities.ts'
import { byteSize } from './byte-size.ts'
import type { CacheBoundOptions } from './options.ts'
import type { Surroundings } from './surroundings.ts'

/** A dozen bases with what was made of them, on disks of today. */
const USUAL = '20GB'

/** Times of files may be this much behind, milliseconds: FAT has two seconds. */
const TICK = 2000

/** Bytes that the store may have when a build is over; undefined: as many as it likes. @throws USAGE */
export function cacheBound(
  { cacheMaxSize }: CacheBoundOptions,
  { env }: Pick<Surroundings, 'env'>,
): number | undefined {
  const [text, what] =
    cacheMaxSize === undefined
      ? [env.OCIBAKE_CACHE_MAX_SIZE || USUAL, 'OCIBAKE_CACHE_MAX_SIZE']
      : [cacheMaxSize, '--cache-max-size']
  return text === 'none' ? undefined : byteSize(text, what)
}

/**
 * Removes what was not used for longest until the store has no more than `bound` bytes; what a build uses that is
 * running, and what this command used since `began` (milliseconds since 1970), stays. One line says what was removed. Never fails: the images are made by now.
 */
export async function boundCache(
  store: Store,
  bound: number | undefined,
  began: number,
  report: Report,
): Promise<void> {
  if (bound === undefined) return
  try {
    const { removed, freed, kept } = await pruneStore(store, { maxSize: bound, usedSince: began - TICK })
    if (removed.length === 0) return
    const message = `The cache may have ${formatBytes(bound)}: removed ${formatBytes(freed)} of what was not used for longest, kept ${formatBytes(kept)}.`
    report({ type: 'note', message })
  } catch (error) {
    report({
      type: 'warning',
      message: `The cache could not be made smaller: ${systemCode(error) ?? messageOf(error)}.`,
      hint: 'Let its owner run: ocibake cache prune',
    })
  }
}
