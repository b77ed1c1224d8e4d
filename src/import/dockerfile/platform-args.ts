import { formatPlatform, hostPlatform, type Platform } from '../../oci/platform.ts'

/** What BuildKit sets by itself of the platform of a build. */
export interface PlatformArgs {
  readonly values: ReadonlyMap<string, string>
  /** What will be built is not known yet: they are those of linux/amd64. */
  readonly isAssumed: boolean
  /** Those of the target that some ARG declares without a default. */
  readonly declared: Set<string>
}

const USUAL: Platform = { os: 'linux', architecture: 'amd64' }

/** @param target what is built, on this machine; undefined: nobody knows yet */
export function platformArgs(target: Platform | undefined): PlatformArgs {
  const build = target === undefined ? USUAL : hostPlatform()
  const values = new Map([...argsOf('TARGET', target ?? USUAL), ...argsOf('BUILD', build)])
  return { values, isAssumed: target === undefined, declared: new Set() }
}

/** What the function of a spec has for a variable of the target, in JavaScript. */
export const PLATFORM_CODE: ReadonlyMap<string, string> = new Map([
  ['TARGETPLATFORM', 'platform'],
  ['TARGETOS', "platform.split('/')[0] ?? ''"],
  ['TARGETARCH', "platform.split('/')[1] ?? ''"],
  ['TARGETVARIANT', "platform.split('/')[2] ?? ''"],
])

function argsOf(prefix: string, platform: Platform): [string, string][] {
  const { os, architecture, variant = '' } = platform
  return [
    [`${prefix}PLATFORM`, formatPlatform(platform)],
    [`${prefix}OS`, os],
    [`${prefix}ARCH`, architecture],
    [`${prefix}VARIANT`, variant],
  ]
}
