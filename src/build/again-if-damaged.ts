import { messageOf, OcibakeError } from '../errors.ts'
import type { Report } from '../events.ts'

/** What a build counts on having in the cache repository cannot be had: it has been told, and is not counted on again. */
export class CacheRepoFault extends Error {
  constructor(cause: unknown) {
    super(messageOf(cause), { cause })
  }
}

/**
 * What `attempt` gives; it is made once more when something in the store turned out to be damaged, or in the cache
 * repository. Whoever notices that removes it, so that the second attempt fetches or makes it anew.
 * @throws what the last attempt throws
 */
export async function againIfDamaged<T>(report: Report, attempt: () => Promise<T>): Promise<T> {
  try {
    return await unlessElsewhere(attempt)
  } catch (error) {
    if (!(error instanceof OcibakeError) || error.code !== 'STORE_CORRUPT') throw error
    report({
      type: 'warning',
      message: `${error.message} The build starts again.`,
      hint: 'Look for more damage with: ocibake cache verify',
    })
    return await unlessElsewhere(attempt)
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
