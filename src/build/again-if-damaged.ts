import { messageOf, OcibakeError } from '../errors.ts'
import type { Report } from '../events.ts'
import { ContentsAbsent } from '../oci/absent-file.ts'

/** What a build counts on having in the cache repository cannot be had: it has been told, and is not counted on again. */
export class CacheRepoFault extends Error {
  constructor(cause: unknown) {
    super(messageOf(cause), { cause })
  }
}

/** @param needsFiles of the base: one that was without them has found that it does */
type Attempt<T> = (needsFiles: boolean) => Promise<T>

/**
 * What `attempt` gives; it is made once more when something in the store turned out to be damaged, or in the cache
 * repository, or not to be there. Whoever notices that removes it, so that the second attempt fetches or makes it anew.
 * @throws what the last attempt throws
 */
export async function againIfDamaged<T>(report: Report, attempt: Attempt<T>): Promise<T> {
  try {
    return await unlessAbsent(report, attempt)
  } catch (error) {
    if (!(error instanceof OcibakeError) || error.code !== 'STORE_CORRUPT') throw error
    report({
      type: 'warning',
      message: `${error.message} The build starts again.`,
      hint: 'Look for more damage with: ocibake cache verify',
    })
    return await unlessAbsent(report, attempt)
  }
}

async function unlessAbsent<T>(report: Report, attempt: Attempt<T>): Promise<T> {
  try {
    return await unlessElsewhere(() => attempt(false))
  } catch (error) {
    if (!ContentsAbsent.isIn(error)) throw error
    report({ type: 'note', message: 'files of the base are needed: it is fetched, and the build starts again' })
    return await unlessElsewhere(() => attempt(true))
  }
}

async function unlessElsewhere<T>(attempt: () => Promise<T>): Promise<T> {
  try {
    return await attempt()
  } catch (error) {
    if (!(error instanceof CacheRepoFault)) throw error
    return await attempt()
  }
}
