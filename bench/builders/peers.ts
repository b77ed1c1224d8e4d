import { join } from 'node:path'
import { execa } from 'execa'
import { hostPlatform } from '../../src/oci/platform.ts'
import type { Scenario } from '../scenario/scenario.ts'
import type { Services } from '../services.ts'
import type { Variant } from '../variants.ts'
import type { Builder } from './builder.ts'
import { OWN_MOUNTS } from './own-mounts.ts'

export const PEERS = ['buildah', 'umoci'] as const
export type PeerName = (typeof PEERS)[number]

const IMAGE_PATH = '/opt/coredge/memcached/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'
const SCRIPTS = '/opt/coredge/scripts/memcached'

/** Another builder: the shell script of its name beside this file, told by variables what to make. */
export function peer(name: PeerName, scenario: Scenario, services: Services, folder: string): Builder {
  const script = join(import.meta.dirname, `${name}.sh`)
  const work = join(folder, name)
  const outOf = (variant: Variant) => `${services.registry}/bench/${variant.name}-${name}:v1`
  const env = (variant: Variant) => ({
    ...services.env,
    WORK: work,
    SCENARIO: scenario.folder,
    BASE: services.baseOf(variant),
    OBJECT: services.objectOf(variant).url,
    SCRIPT: variant.script ?? '',
    LAYERS: variant.layers,
    OUT: outOf(variant),
    ARCHITECTURE: hostPlatform().architecture,
    IMAGE_PATH,
    ENTRYPOINT: `${SCRIPTS}/entrypoint.sh`,
    COMMAND: `${SCRIPTS}/run.sh`,
  })
  return {
    name,
    starts: ['cold', 'warm'],
    prepare: async (variant, start) =>
      void (await execa('unshare', [...OWN_MOUNTS, script, start], { env: env(variant) })),
    keepsRegistry: () => false,
    command: (variant) => ({ argv: ['unshare', ...OWN_MOUNTS, script, 'build'], env: env(variant) }),
    outOf,
  }
}

/** umoci has no way to put one layer over others that stay where they are. */
export function canBuild(name: string, variant: Variant): boolean {
  return name !== 'umoci' || variant.layers === 'squash'
}
