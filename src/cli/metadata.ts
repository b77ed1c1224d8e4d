import type { BuildIndexResult } from '../build/build-index.ts'
import type { ShippedSbom } from '../build/sbom.ts'
import type { BuildResult } from '../build.ts'
import { digestOf } from '../oci/digest.ts'
import { type Image, imageBlobs } from '../oci/image.ts'
import { imagesOf } from '../oci/image-index.ts'
import { formatPlatform, type Platform } from '../oci/platform.ts'
import { writeWithFolder } from '../oci/write-file.ts'
import type { Plan } from '../spec/plan.ts'

/** What is said of an image, alone or in an index. Sizes are bytes. */
export interface ImageMetadata {
  readonly digest: string
  readonly mediaType: string
  /** Of all blobs and the config, as pushed. */
  readonly size: number
  readonly platform: string
  /** RFC 3339. */
  readonly created: string
  readonly config: { readonly digest: string; readonly size: number }
  readonly layers: readonly {
    readonly digest: string
    readonly size: number
    readonly diffId: string
    readonly mediaType: string
  }[]
  /** Where a list of what is in the image was asked for: of its bytes, and what names it in registries. */
  readonly sbom?: { readonly digest: string; readonly size: number; readonly attached: readonly string[] }
}

/** Where an image or index is. */
interface Places {
  readonly spec: string
  /** What names it in registries now. */
  readonly tags: readonly string[]
  readonly outputs: readonly string[]
}

/** What `--metadata-file` and `--progress json` say of a built image. */
export interface Metadata extends ImageMetadata, Places {}

/** What they say of an index. */
export interface IndexMetadata extends Places {
  readonly digest: string
  readonly mediaType: string
  /** Of all that its images name, what several of them name being counted once. */
  readonly size: number
  /** In the order of the index. */
  readonly platforms: readonly ImageMetadata[]
}

export function describeResult(plan: Plan, { image, shipped, sbom }: BuildResult): Metadata {
  const { os, architecture, variant } = image.config.document
  const platform = { os, architecture, ...(variant === undefined ? {} : { variant }) }
  return { spec: plan.file, ...describeImage(image, platform, sbom), tags: shipped.pushed, outputs: shipped.outputs }
}

export function describeIndex(plan: Plan, { index, shipped, sboms }: BuildIndexResult): IndexMetadata {
  const { digest, mediaType } = index.document
  return {
    spec: plan.file,
    digest,
    mediaType,
    size: imageBlobs(...imagesOf(index)).reduce((sum, blob) => sum + blob.size, 0),
    platforms: index.entries.map(({ image, platform }, i) => describeImage(image, platform, sboms[i])),
    tags: shipped.pushed,
    outputs: shipped.outputs,
  }
}

function describeImage(
  { manifest, config, ...image }: Image,
  platform: Platform,
  sbom: ShippedSbom | undefined,
): ImageMetadata {
  const layers = image.layers.map(({ digest, size, diffId, mediaType }) => ({ digest, size, diffId, mediaType }))
  return {
    digest: manifest.digest,
    mediaType: manifest.mediaType,
    size: layers.reduce((sum, { size }) => sum + size, config.descriptor.size),
    platform: formatPlatform(platform),
    created: config.document.created ?? '',
    config: { digest: config.descriptor.digest, size: config.descriptor.size },
    layers,
    ...(sbom && { sbom: { digest: digestOf(sbom.document), size: sbom.document.length, attached: sbom.attached } }),
  }
}

/** One object for one spec, a list for several. Atomic; its folder is made. @throws OUTPUT_FAILED, DISK_FULL */
export async function writeMetadata(file: string, described: readonly (Metadata | IndexMetadata)[]): Promise<void> {
  const [first, ...others] = described
  const text = JSON.stringify(others.length === 0 ? first : described, null, 2)
  await writeWithFolder(file, Buffer.from(`${text}\n`))
}
