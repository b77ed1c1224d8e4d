import type { Report } from '../events.ts'
import { type ImageIndex, imagesOf } from '../oci/image-index.ts'
import { formatReference } from '../oci/reference.ts'
import type { Store } from '../oci/store.ts'
import { formatTransport, isStdout, type Transport } from '../oci/transport.ts'
import type { TakeBytes } from '../oci/write-piped.ts'
import type { RegistryConnection } from '../registry/connection.ts'
import { type Donor, pushImage } from '../registry/push.ts'
import { pushIndex } from '../registry/push-index.ts'
import type { Plan } from '../spec/plan.ts'
import type { MadeSbom, ShippedSbom } from './sbom.ts'
import { byDigest, type PartOfIndex, type Shipped, targetsOf } from './ship.ts'
import { type LayoutOutput, writeNamed } from './write-named.ts'

/** What a push of an image can make use of, and what goes beside it. */
export interface IndexPart {
  readonly isOld: boolean
  readonly donors: readonly Donor[]
  readonly madeSbom?: MadeSbom | undefined
}

export interface ShippedIndex extends Shipped {
  /** Of images that were pushed here, where there are such lists. */
  readonly sboms: readonly (ShippedSbom | undefined)[]
}

export interface ShipIndexOptions {
  readonly store: Store
  readonly connection: RegistryConnection
  readonly push: boolean
  readonly allowImmutableTags?: boolean
  readonly outputs: readonly Transport[]
  /** See BuildOptions. */
  readonly stdout?: TakeBytes | undefined
  /** What the images were built as. */
  readonly part: PartOfIndex
  /** Of each image, in their order. */
  readonly parts: readonly IndexPart[]
  readonly report: Report
  readonly signal: AbortSignal
}

/** As `ship`: the outputs, then the images where they are not pushed, then the index. A tag moves when all is there. */
export async function shipIndex(index: ImageIndex, plan: Plan, options: ShipIndexOptions): Promise<ShippedIndex> {
  const { connection, parts, report, signal } = options
  const { digest } = index.document
  const local = options.outputs.filter(isLayout)
  const write = async (output: LayoutOutput) => {
    signal.throwIfAborted()
    await writeNamed(index, output, options)
    report({ type: 'written', output: formatTransport(output), digest })
  }
  for (const output of local) if (!isStdout(output)) await write(output)
  const sboms = options.part === 'keep' ? await pushImages(index, plan, options) : []
  const { allowImmutableTags = false } = options
  const isOld = parts.every((one) => one.isOld)
  const references = targetsOf(plan, { push: options.push, outputs: options.outputs })
  const pushed = await pushIndex(index.document, references, connection, { signal, report, allowImmutableTags, isOld })
  for (const output of local) if (isStdout(output)) await write(output)
  return { pushed: [...new Set(pushed.map(formatReference))], outputs: local.map(formatTransport), sboms }
}

/** All their blobs are in the store. No list is attached before all of them are pushed. */
async function pushImages(
  index: ImageIndex,
  plan: Plan,
  options: ShipIndexOptions,
): Promise<(ShippedSbom | undefined)[]> {
  const { store, connection, report, signal } = options
  const repositories = targetsOf(plan, options)
  for (const [at, image] of imagesOf(index).entries()) {
    const { manifest, config } = image
    const layers = image.layers.map(({ mediaType, digest, size }) => ({ mediaType, digest, size }))
    const openBlob = store.openBlob.bind(store)
    const { isOld, donors } = options.parts[at]!
    const pushed = { manifest, config: config.descriptor, layers, openBlob, isOld, donors }
    await pushImage(pushed, byDigest(repositories, image), connection, { signal, report })
  }
  const sboms = []
  for (const { madeSbom } of options.parts) sboms.push(await madeSbom?.ship(repositories))
  return sboms
}

/** Of what is written on this machine, what can have images of several platforms. */
function isLayout(output: Transport): output is LayoutOutput {
  return output.kind === 'oci' || output.kind === 'oci-archive'
}
