import { OcibakeError } from '../errors.ts'
import { formatPlatform } from '../oci/platform.ts'
import type { Transport } from '../oci/transport.ts'
import type { Plan } from '../spec/plan.ts'

/**
 * Lets pass only plans that one index can be made of.
 * @throws SPEC_INVALID for what has to be the same in all of them; USAGE for none, and for a platform that is there twice
 */
export function refuseUnlike(plans: readonly Plan[]): void {
  const [first, ...others] = plans
  if (first === undefined) throw new OcibakeError('USAGE', 'There is no platform to build for.')
  const platforms = plans.map(({ platform }) => formatPlatform(platform))
  const twice = platforms.find((platform, at) => platforms.indexOf(platform) !== at)
  if (twice !== undefined) throw new OcibakeError('USAGE', `${first.file} is to be built for ${twice} twice.`)
  for (const field of ['name', 'tags', 'mediaTypes'] as const) {
    const other = others.find((plan) => JSON.stringify(plan[field]) !== JSON.stringify(first[field]))
    if (other === undefined) continue
    const both = `${formatPlatform(first.platform)} and ${formatPlatform(other.platform)}`
    throw new OcibakeError('SPEC_INVALID', `${first.file} has other \`${field}\` for ${both}; both go to one index.`, {
      hint: `Write the same \`${field}\` for every platform, or build each on its own: --platform ${platforms[0]}`,
    })
  }
}

/**
 * Lets pass only outputs that can have images of several platforms.
 * @throws USAGE
 */
export function refuseOnePlatform(plans: readonly Plan[], outputs: readonly Transport[]): void {
  const one = outputs.find((output) => output.kind === 'docker-archive' || output.kind === 'rootfs')
  if (one === undefined) return
  const platforms = plans.map(({ platform }) => formatPlatform(platform))
  throw new OcibakeError(
    'USAGE',
    `${plans[0]!.file} is built for ${platforms.join(' and ')}, and a ${one.kind}: output holds one platform.`,
    { hint: `Name one, such as --platform ${platforms[0]}, or write oci:FOLDER or oci-archive:FILE instead.` },
  )
}
