import { join } from 'node:path'
import type { SessionOptions } from './options.ts'
import type { Surroundings } from './surroundings.ts'

/** The store's folder: the one that was named, else where the XDG base directory specification puts caches. */
export function cacheFolder({ cacheDir }: SessionOptions, { env, home }: Pick<Surroundings, 'env' | 'home'>): string {
  const base = env.XDG_CACHE_HOME?.startsWith('/') ? env.XDG_CACHE_HOME : join(home, '.cache')
  return cacheDir ?? (env.OCIBAKE_CACHE_DIR || join(base, 'ocibake'))
}
