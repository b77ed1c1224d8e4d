import type { BuildResult } from '../build.ts'
import { digestOf } from '../oci/digest.ts'
import { formatPlatform } from '../oci/platform.ts'
import { writeFileAtomically } from '../oci/write-file.ts'
import type { Plan } from '../spec/plan.ts'

/** What `--metadata-file` and `--progress json` say of a built image. Sizes are bytes. */
export interface Metadata {
  readonly spec: string
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
  /** What names the image in registries now. */
  readonly tags: readonly string[]
  readonly outputs: readonly string[]
  /** Where a list of what is in the image was asked for: of its bytes, and what names it in registries. */
  readonly sbom?: { readonly digest: string; readonly size: number; readonly attached: readonly string[] }
}

export function describeResult(plan: Plan, { image, shipped, sbom }: BuildResult): Metadata {
  const { manifest, config } = image
  const layers = image.layers.map(({ digest, size, diffId, mediaType }) => ({ digest, size, diffId, mediaType }))
  const { os, architecture, variant } = config.document
  return {
    spec: plan.file,
    digest: manifest.digest,
    mediaType: manifest.mediaType,
    size: layers.reduce((sum, { size }) => sum + size, config.descriptor.size),
    platform: formatPlatform({ os, architecture, ...(variant === undefined ? {} : { variant }) }),
    created: config.document.created ?? '',
    config: { digest: config.descriptor.digest, size: config.descriptor.size },
    layers,
    tags: shipped.pushed,
    outputs: shipped.outputs,
    ...(sbom && {
      sbom: { digest: digestOf(sbom.document), size: sbom.document.length, attached: sbom.attached },
    }),
  }
}

/** One object for one spec, a list for several. Atomic. @throws OUTPUT_FAILED, DISK_FULL */
export async function writeMetadata(
  file: string,
  built: readonly { plan: Plan; result: BuildResult }[],
): Promise<void> {
  const described = built.map(({ plan, result }) => describeResult(plan, result))
  const [first, ...others] = described
  const text = JSON.stringify(others.length === 0 ? first : described, null, 2)
  await writeFileAtomically(file, Buffer.from(`${text}\n`))
}
