import { OcibakeError } from '../errors.ts'
import { silent } from '../events.ts'
import type { ImageConfig } from '../oci/config.ts'
import { formatPlatform, type Platform } from '../oci/platform.ts'
import type { Plan } from '../spec/plan.ts'
import { type OpenBaseOptions, openBase } from './open-base.ts'

/** What an image is in an index: what it was to be, unless its base is for another processor or system, as it is then itself. */
export function entryPlatform({ platform }: Plan, { os, architecture, variant }: ImageConfig): Platform {
  if (os === platform.os && architecture === platform.architecture) return platform
  return { os, architecture, ...(variant === undefined ? {} : { variant }) }
}

/**
 * Looks whether the bases have all platforms, before the first image is built. Manifests and configs are fetched for it.
 * @throws PLATFORM_MISSING for an index that lacks one, and for one base that two platforms would get; whatever opening a
 * base throws
 */
export async function checkPlatforms(
  plans: readonly Plan[],
  options: Omit<OpenBaseOptions, 'platform' | 'report'>,
): Promise<void> {
  const taken = new Map<string, Plan>()
  for (const plan of plans) {
    // They are for any platform, or made for this one.
    if (plan.base.kind === 'scratch' || plan.base.kind === 'debian') continue
    const base = await openBase(plan.base, { ...options, platform: plan.platform, report: silent })
    await base.close()
    const platform = formatPlatform(entryPlatform(plan, base.config))
    // Steps may make two variants of one base; without a difference both entries would be one image.
    const { os, architecture, variant } = base.config
    const image = JSON.stringify([base.contents, os, architecture, variant, { ...plan, platform: '' }])
    for (const name of [platform, image]) {
      const other = taken.get(name)
      if (other !== undefined) throw takenTwice(formatPlatform(base.config), base.name, [other, plan])
      taken.set(name, plan)
    }
  }
}

function takenTwice(platform: string, base: string, plans: readonly Plan[]): OcibakeError {
  const wanted = plans.map((plan) => formatPlatform(plan.platform)).join(' and ')
  return new OcibakeError('PLATFORM_MISSING', `${base} is for ${platform}; wanted ${wanted}, each once in the index.`, {
    hint: 'Take a base whose name leads to an index of these platforms; a spec that is a function may take one for each.',
  })
}
