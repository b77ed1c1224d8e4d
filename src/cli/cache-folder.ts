import { join } from 'node:path'
import type { SessionOptions } from './options.ts'
import type { Surroundings } from './surroundings.ts'

/**
 * Where the store is: what the command line says, the environment, or where the XDG specification puts caches. What is
 * empty says nothing: `--cache-dir "$UNSET"`.
 */
export function cacheFolder(
  { cacheDir }: Pick<SessionOptions, 'cacheDir'>,
  around: Pick<Surroundings, 'env' | 'home'>,
): string {
  return cacheDir || around.env.OCIBAKE_CACHE_DIR || defaultCache(around)
}

/** XDG Base Directory Specification: a relative path is to be ignored. */
function defaultCache({ env, home }: Pick<Surroundings, 'env' | 'home'>): string {
  const base = env.XDG_CACHE_HOME?.startsWith('/') ? env.XDG_CACHE_HOME : join(home, '.cache')
  return join(base, 'ocibake')
}
