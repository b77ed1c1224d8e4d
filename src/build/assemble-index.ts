import { OcibakeError } from '../errors.ts'
import type { Image } from '../oci/image.ts'
import { type ImageIndex, type IndexEntry, writeIndex } from '../oci/image-index.ts'
import { parseDocument } from '../oci/manifest.ts'
import { formatPlatform } from '../oci/platform.ts'
import type { Plan } from '../spec/plan.ts'
import { secondsOf } from './base.ts'
import { entryPlatform } from './index-platforms.ts'

const CREATED = 'org.opencontainers.image.created'

/** The index around the images of plans, in their order: the same images give the same index. */
export function assembleIndex(plans: readonly Plan[], images: readonly Image[]): ImageIndex {
  const entries = images.map((image, at) => ({ platform: entryPlatform(plans[at]!, image.config.document), image }))
  refuseOneImage(entries)
  return writeIndex({ entries, annotations: annotationsOf(images), mediaTypes: plans[0]!.mediaTypes })
}

/** Whoever runs the second on its platform would get the first. @throws PLATFORM_MISSING */
function refuseOneImage(entries: readonly IndexEntry[]): void {
  const taken = new Map<string, string>()
  for (const { platform, image } of entries) {
    const [name, { digest }] = [formatPlatform(platform), image.manifest]
    const other = taken.get(digest)
    if (other !== undefined) {
      throw new OcibakeError(
        'PLATFORM_MISSING',
        `The image ${digest} would be for ${other} and for ${name} in the index.`,
        {
          hint: `Take a base that has both, or build for one of them.`,
        },
      )
    }
    taken.set(digest, name)
  }
}

/** Those that all manifests have, and the time of the newest. */
function annotationsOf(images: readonly Image[]): Record<string, string> {
  const [first = {}, ...others] = images.map(({ manifest }) => {
    const document = parseDocument(manifest)
    return document.kind === 'manifest' ? document.annotations : {}
  })
  const times = [first, ...others].flatMap(({ [CREATED]: time }) => (time === undefined ? [] : [time]))
  const newest = times.toSorted((a, b) => secondsOf(a) - secondsOf(b)).at(-1)
  const common = Object.entries(first).filter(([name, value]) => others.every((other) => other[name] === value))
  return { ...(newest === undefined ? {} : { [CREATED]: newest }), ...Object.fromEntries(common) }
}
