import { OcibakeError } from '../errors.ts'
import { formatPlatform, hostPlatform, type Platform, parsePlatform } from '../oci/platform.ts'
import type { Spec } from './spec.ts'

/** Platforms in their normal form, in the order given. @throws REFERENCE_INVALID for what is none; USAGE for one that is there twice */
export function parsePlatforms(texts: readonly string[]): readonly Platform[] {
  const platforms = texts.map(parsePlatform)
  const names = platforms.map(formatPlatform)
  const again = names.findIndex((name, at) => names.indexOf(name) !== at)
  if (again === -1) return platforms
  const [name, first, second] = [names[again]!, texts[names.indexOf(names[again]!)]!, texts[again]!]
  const as = first === second ? '' : `, as ${first} and ${second}`
  throw new OcibakeError('USAGE', `The platform ${name} is named twice${as}.`, {
    hint: 'Name each once: an index has one image for each.',
  })
}

/** Those that a spec says: this machine's processor if it says none. @throws as `parsePlatforms` */
export function platformsOf({ platform }: Pick<Spec, 'platform'>): readonly Platform[] {
  return platform === undefined ? [hostPlatform()] : parsePlatforms([platform].flat())
}
