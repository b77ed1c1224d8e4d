import { type HistoryEntry, type ImageConfig, writeConfig } from '../oci/config.ts'
import { type ConfigChanges, configure } from '../oci/configure.ts'
import type { Image } from '../oci/image.ts'
import type { Layer } from '../oci/layer.ts'
import { writeManifest } from '../oci/manifest.ts'
import { OCI_CONFIG } from '../oci/media-types.ts'
import type { Descriptor } from '../oci/source.ts'
import type { Store } from '../oci/store.ts'
import type { Plan } from '../spec/plan.ts'
import type { Base } from './base.ts'
import { historyOf } from './history.ts'

/** Config and manifest around the new layer, both in the store. `created` is seconds since 1970 UTC. */
export async function assemble(
  store: Store,
  plan: Plan,
  base: Base,
  layer: Layer | undefined,
  created: number,
): Promise<Image> {
  const below = plan.layers === 'append' ? await base.layers() : []
  const layers = layer === undefined ? below : [...below, layer]
  const history = historyOf(plan, base.config, base.name, timeText(created), layer !== undefined)
  const document = configOf(plan, base, layers, history, created)
  const bytes = writeConfig(document)
  const config: Descriptor = { mediaType: OCI_CONFIG, digest: await store.putDocument(bytes), size: bytes.length }
  const manifest = writeManifest({
    config,
    layers: layers.map(({ mediaType, digest, size }) => ({ mediaType, digest, size })),
    annotations: annotationsOf(plan, base, created),
    mediaTypes: plan.mediaTypes,
  })
  await store.putDocument(manifest.bytes)
  return { manifest, config: { descriptor: config, document }, layers }
}

/** What the config is going to say, before anything is known of the new layer. */
export function draftConfig(plan: Plan, base: Base): ImageConfig {
  return configOf(plan, base, [], historyOf(plan, base.config, base.name, timeText(0), true), 0)
}

function configOf(
  plan: Plan,
  base: Base,
  layers: readonly Layer[],
  history: readonly HistoryEntry[],
  created: number,
): ImageConfig {
  const rootfs = { type: 'layers' as const, diff_ids: layers.map(({ diffId }) => diffId) }
  return { ...configure(base.config, plan.config as ConfigChanges), created: timeText(created), rootfs, history }
}

/** https://github.com/opencontainers/image-spec/blob/main/annotations.md; what the spec says wins. */
function annotationsOf(plan: Plan, base: Base, created: number): Record<string, string> {
  const prefix = 'org.opencontainers.image'
  return {
    [`${prefix}.created`]: timeText(created),
    ...(base.reference === undefined ? {} : { [`${prefix}.base.name`]: base.name }),
    ...(base.digest === undefined ? {} : { [`${prefix}.base.digest`]: base.digest }),
    ...plan.annotations,
  }
}

const timeText = (seconds: number) => new Date(seconds * 1000).toISOString().replace('.000Z', 'Z')
