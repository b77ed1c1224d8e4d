import { OcibakeError } from '../errors.ts'
import { parseReference, type Reference } from '../oci/reference.ts'
import type { CacheRepoOptions } from './options.ts'
import type { Surroundings } from './surroundings.ts'

const HINT = 'Write the name of a repository: registry.example.com/team/app/cache'

/**
 * The repository that keeps what builds make, and whether this command puts something there; undefined: there is none.
 * OCIBAKE_NO_PUSH_CACHE, with whatever in it, is --no-push-cache: jobs that share a template differ in variables.
 * @throws USAGE for what is no repository
 */
export function cacheRepoOf(
  { cacheRepo, pushCache = true }: CacheRepoOptions,
  { env }: Pick<Surroundings, 'env'>,
): { readonly reference: Reference; readonly push: boolean } | undefined {
  const [text, what] =
    cacheRepo === undefined ? [env.OCIBAKE_CACHE_REPO ?? '', 'OCIBAKE_CACHE_REPO'] : [cacheRepo, '--cache-repo']
  if (text === '' && cacheRepo === undefined) return undefined
  const reference = parsed(text, what)
  const last = text.slice(text.lastIndexOf('/') + 1)
  const extra = last.includes('@') ? 'a digest' : last.includes(':') ? 'a tag' : undefined
  if (extra === undefined) return { reference, push: pushCache && (env.OCIBAKE_NO_PUSH_CACHE ?? '') === '' }
  throw new OcibakeError('USAGE', `${what}: '${text}' has ${extra}; wanted a repository without one.`, { hint: HINT })
}

function parsed(text: string, what: string): Reference {
  try {
    return parseReference(text)
  } catch (error) {
    if (!(error instanceof OcibakeError)) throw error
    throw new OcibakeError('USAGE', `${what}: ${error.message}`, { hint: HINT, cause: error })
  }
}
