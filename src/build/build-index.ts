import { type BuildOptions, buildImage } from '../build.ts'
import type { ImageIndex } from '../oci/image-index.ts'
import { formatPlatform } from '../oci/platform.ts'
import type { Plan } from '../spec/plan.ts'
import { againIfDamaged } from './again-if-damaged.ts'
import { assembleIndex } from './assemble-index.ts'
import type { CacheUse } from './cache-use.ts'
import { checkPlatforms } from './index-platforms.ts'
import { preflight } from './preflight.ts'
import { refuseOnePlatform, refuseUnlike } from './refuse-index.ts'
import type { ShippedSbom } from './sbom.ts'
import { type SourceOf, sharedSources } from './shared-sources.ts'
import type { PartOfIndex, Shipped } from './ship.ts'
import { shipIndex } from './ship-index.ts'
import { attemptReports } from './warnings.ts'

export interface BuildIndexOptions extends Omit<BuildOptions, 'cache'> {
  /** Default: 'all'. A step may have another number for another platform. */
  readonly cache?: CacheUse | ((plan: Plan) => CacheUse)
}

export interface BuildIndexResult {
  readonly index: ImageIndex
  readonly shipped: Shipped
  /** Of each image, where such lists were asked for. */
  readonly sboms: readonly (ShippedSbom | undefined)[]
}

/**
 * Builds the images of plans that differ in their platform, one after the other, and ships them as one index: `loadSpecs`
 * and `makePlan` make such plans. Outputs are layouts and registries. Nothing is written, and no tag moves, before all images
 * are made and pushed by their digests; building again is always safe.
 * @throws USAGE for outputs that hold one platform; SPEC_INVALID for plans that differ in name, tags or media types;
 * PLATFORM_MISSING before the first image is built; whatever `build` throws
 */
export function buildIndex(plans: readonly Plan[], options: BuildIndexOptions): Promise<BuildIndexResult> {
  const attemptReport = attemptReports(options.report)
  // What a base is called does not become another thing between two images, nor between two attempts.
  const sourceOf = sharedSources(options.connection)
  return againIfDamaged(options.report, (needsFiles) =>
    buildOnce(plans, { ...options, sourceOf, report: attemptReport() }, needsFiles),
  )
}

async function buildOnce(
  plans: readonly Plan[],
  options: BuildIndexOptions & { readonly sourceOf: SourceOf },
  needsFiles: boolean,
): Promise<BuildIndexResult> {
  const { outputs, report, signal } = options
  refuseUnlike(plans)
  refuseOnePlatform(plans, outputs)
  for (const plan of plans) await preflight(plan, options)
  await checkPlatforms(plans, options)
  const part: PartOfIndex = outputs.every(({ kind }) => kind === 'docker') ? 'push' : 'keep'
  const parts = []
  for (const plan of plans) {
    const cache = typeof options.cache === 'function' ? options.cache(plan) : (options.cache ?? 'all')
    parts.push(await buildImage(plan, { ...options, cache, part }, needsFiles))
  }
  const index = assembleIndex(
    plans,
    parts.map(({ image }) => image),
  )
  const { digest } = index.document
  report({ type: 'index-built', digest, platforms: index.entries.map(({ platform }) => formatPlatform(platform)) })
  signal.throwIfAborted()
  const { sboms, ...shipped } = await shipIndex(index, plans[0]!, { ...options, part, parts })
  return { index, shipped, sboms: parts.map(({ sbom }, i) => sbom ?? sboms[i]) }
}
