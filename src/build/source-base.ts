import { type ErrorCode, OcibakeError } from '../errors.ts'
import type { Report } from '../events.ts'
import { ContentsAbsent } from '../oci/absent-file.ts'
import { apply } from '../oci/apply.ts'
import { type ImageConfig, parseConfig } from '../oci/config.ts'
import type { Digest } from '../oci/digest.ts'
import { imageLayers } from '../oci/image.ts'
import type { Layer } from '../oci/layer.ts'
import { type Manifest, parseDocument } from '../oci/manifest.ts'
import { type Directory, EMPTY, type Tree } from '../oci/node.ts'
import { choosePlatform, formatPlatform, imagesIn, type Platform } from '../oci/platform.ts'
import type { Reference } from '../oci/reference.ts'
import type { Descriptor, ImageSource } from '../oci/source.ts'
import type { Store } from '../oci/store.ts'
import { each } from '../registry/each.ts'
import { type Base, secondsOf } from './base.ts'

/** Layers that are downloaded at the same time: what registries and proxies take without rate limiting. */
const DOWNLOADS = 4

export interface SourceBaseOptions {
  readonly source: ImageSource
  /** What the image may say of its base. */
  readonly name: string
  readonly store: Store
  readonly platform: Platform
  /** See OpenBaseOptions. */
  readonly blocks?: boolean
  /** See OpenBaseOptions. */
  readonly unpacked?: boolean
  /** See OpenBaseOptions. */
  readonly isWritten?: boolean
  readonly reference?: Reference
  readonly report: Report
  readonly signal: AbortSignal
}

/**
 * A base that has a manifest: from a registry, a layout, an archive. Resolves the reference once: what it named then
 * is used to the end. Only manifest and config are fetched here.
 */
export async function sourceBase(options: SourceBaseOptions): Promise<Base> {
  const { source, store, unpacked = false, report, signal } = options
  const top = await source.resolve(signal)
  const parsed = parseDocument(top)
  const manifest = parsed.kind === 'manifest' ? parsed : await manifestIn(options, parsed.manifests)
  // A base that nobody has seen: its layers come next, and a thread takes as long to start as their first bytes to come.
  if (unpacked && !(await store.has(manifest.config.digest))) store.prepareToUnpack(manifest.layers)
  await store.ingestBlob(manifest.config, (start) => source.blob(manifest.config, start, signal), { signal })
  const config = parseConfig(await store.readDocument(manifest.config.digest), `config ${manifest.config.digest}`)
  const layers = imageLayers(manifest, config, source.name)
  warnOfOtherPlatform(config, options)
  report({ type: 'base-resolved', base: source.name, digest: top.digest, layers: layers.length })
  let tree: Promise<Tree> | undefined
  let outlines: Outlines = new Map()
  // Layers may still be on their way when the build fails over something else.
  const ending = new AbortController()
  const reading = { ...options, signal: AbortSignal.any([signal, ending.signal]) }
  const treeOf = () => (tree ??= readTree(reading, layers, outlines))
  return {
    name: options.name,
    digest: top.digest,
    config,
    index: parsed.kind === 'manifest' ? undefined : imagesIn(parsed.manifests),
    contents: layers.map(({ diffId }) => diffId),
    blobs: layers,
    reference: options.reference,
    layers: async () => layers,
    tree: treeOf,
    borrow: (lent) => {
      outlines = lent
    },
    tars: async () => {
      await treeOf()
      const diffIds = new Set(layers.map(({ diffId }) => diffId))
      return await Promise.all(Array.from(diffIds, (diffId) => store.layerTar(diffId)))
    },
    created: async () => secondsOf(config.created),
    openBlob: (descriptor, start, blobSignal) => source.blob(descriptor, start, blobSignal),
    close: async () => {
      ending.abort()
      await tree?.catch(() => {})
      await source.close()
    },
  }
}

async function manifestIn(
  { source, platform, signal }: SourceBaseOptions,
  manifests: readonly Descriptor[],
): Promise<Manifest> {
  const chosen = chooseIn(manifests, platform, source)
  const inner = parseDocument(await source.manifest(chosen, signal), chosen)
  if (inner.kind === 'manifest') return inner
  throw new OcibakeError(
    'MANIFEST_UNSUPPORTED',
    `${source.name} is an index whose entry for ${formatPlatform(platform)} is another index.`,
    {
      hint: 'Name the inner index by its digest.',
    },
  )
}

function chooseIn(manifests: readonly Descriptor[], platform: Platform, { name }: ImageSource): Descriptor {
  try {
    return choosePlatform(manifests, platform)
  } catch (error) {
    throw error instanceof OcibakeError ? error.at(`the base ${name}`) : error
  }
}

function warnOfOtherPlatform(config: ImageConfig, { source, platform, report }: SourceBaseOptions): void {
  if (config.os === platform.os && config.architecture === platform.architecture) return
  report({
    type: 'warning',
    message: `${source.name} is for ${config.os}/${config.architecture}, and so is the new image; wanted ${formatPlatform(platform)}.`,
    hint: 'A reference that names an index has several platforms to choose from.',
  })
}

type Outlines = ReadonlyMap<Digest, Directory>

async function readTree(options: SourceBaseOptions, layers: readonly Layer[], outlines: Outlines): Promise<Tree> {
  const { source, store, blocks = false, isWritten = true, report, signal } = options
  const wanted = layers.filter(({ diffId }) => !outlines.has(diffId))
  await each(wanted, DOWNLOADS, signal, async (layer, either) => {
    const task = `pull ${layer.digest}`
    let begun = false
    const begin = () => {
      if (begun) return
      begun = true
      report({ type: 'task-started', task, label: `layer ${layer.digest.slice(7, 19)}`, total: layer.size })
    }
    const open = (start: number) => {
      begin()
      return source.blob(layer, start, either)
    }
    const onProgress = (done: number) => report({ type: 'task-progress', task, done, total: layer.size })
    try {
      await store.ingestLayer(layer, layer.diffId, open, { signal: either, onProgress, blocks })
    } catch (error) {
      throw placed(error, source, layer)
    }
    if (begun) report({ type: 'task-finished', task })
  })
  let tree: Tree = EMPTY
  for (const layer of layers) {
    try {
      tree = apply(tree, outlines.get(layer.diffId) ?? (await store.layerTree(layer.diffId, { isWritten })))
    } catch (error) {
      // Whoever wrote an outline may have made it up: then the layers themselves say what is wrong, if anything is.
      if (outlines.size > 0 && isOfLayer(error)) throw new ContentsAbsent({ cause: error })
      throw placed(error, source, layer)
    }
  }
  return tree
}

const OF_LAYER: ReadonlySet<ErrorCode> = new Set([
  'BLOB_MISMATCH',
  'DIFF_ID_MISMATCH',
  'LAYER_INVALID',
  'ARCHIVE_UNSAFE',
  'PATH_INVALID',
])

/** What is wrong with a layer, saying of which image it is; anything else as it was. */
function placed(error: unknown, { name }: ImageSource, { digest }: Layer): unknown {
  return isOfLayer(error) ? error.at(`the base ${name}, layer ${digest}`) : error
}

function isOfLayer(error: unknown): error is OcibakeError {
  return error instanceof OcibakeError && OF_LAYER.has(error.code)
}
