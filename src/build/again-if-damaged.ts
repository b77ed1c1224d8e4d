import { OcibakeError } from '../errors.ts'
import type { Report } from '../events.ts'

/**
 * What `attempt` gives; it is made once more when something in the store turned out to be damaged. Whoever notices that
 * removes it, so that the second attempt fetches or makes it anew.
 * @throws what the last attempt throws
 */
export async function againIfDamaged<T>(report: Report, attempt: () => Promise<T>): Promise<T> {
  try {
    return await attempt()
  } catch (error) {
    if (!(error instanceof OcibakeError) || error.code !== 'STORE_CORRUPT') throw error
    report({
      type: 'warning',
      message: `${error.message} The build starts again.`,
      hint: 'Look for more damage with: ocibake cache verify',
    })
    return await attempt()
  }
}
