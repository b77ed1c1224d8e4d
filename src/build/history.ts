import type { HistoryEntry, ImageConfig } from '../oci/config.ts'
import type { Plan } from '../spec/plan.ts'

const MAX_CREATED_BY = 4096

/**
 * What `docker history` shows: the base's own entries, one for each step, and one for the layer that holds them all.
 * Entries without a layer of their own say so, for their number must be that of the layers (image-spec config.md).
 * @param created RFC 3339
 * @param hasLayer false: the steps changed nothing, or there were none
 */
export function historyOf(
  plan: Plan,
  base: ImageConfig,
  baseName: string,
  created: string,
  hasLayer: boolean,
): HistoryEntry[] {
  const squashed = plan.layers === 'squash'
  const inherited = (base.history ?? placeholders(base, baseName)).map((entry) =>
    squashed ? { ...entry, empty_layer: true } : entry,
  )
  const steps = plan.steps.map(({ verb, title }): HistoryEntry => {
    const text = `${verb} ${title}`
    const created_by = text.length > MAX_CREATED_BY ? `${text.slice(0, MAX_CREATED_BY)}…` : text
    return { created, created_by, comment: 'ocibake', empty_layer: true }
  })
  const layer = squashed ? `one layer of ${baseName} and all steps` : `one layer of all steps over ${baseName}`
  if (!hasLayer) return [...inherited, ...steps]
  return [...inherited, ...steps, { created, created_by: `ocibake: ${layer}`, comment: 'ocibake' }]
}

/** A base may have no history at all; then its layers are only counted. */
function placeholders(base: ImageConfig, baseName: string): HistoryEntry[] {
  return base.rootfs.diff_ids.map(() => ({ created_by: `a layer of ${baseName}` }))
}
