import { OcibakeError } from '../errors.ts'
import { archiveBlobs } from './archive-blobs.ts'
import { type ImageConfig, parseConfig } from './config.ts'
import { type Content, readAll } from './content.ts'
import { detectCompression, HEAD_BYTES } from './decompress.ts'
import { type Digest, Digester, digestOf } from './digest.ts'
import { DOCUMENT_LIMIT, isJsonObject, readJsonArray, showJson } from './json.ts'
import { JsonFields } from './json-fields.ts'
import { layerType } from './layer-type.ts'
import type { LocalBlob, LocalBlobs } from './local-blobs.ts'
import { writeManifest } from './manifest.ts'
import { DOCKER_CONFIG } from './media-types.ts'
import { display, fromText } from './name.ts'
import { formatReference, parseReference } from './reference.ts'
import type { Descriptor, Document, ImageSource } from './source.ts'
import type { ArchivedImage } from './transport.ts'

/**
 * An image in what `docker save` writes, of any age: `docker-archive:file[:name:tag|:@n]`; without a name, its only
 * one. Such an archive has no manifest, so one is made: Docker's, with the layers as they are in the archive
 * (uncompressed as a rule), which comes out the same for the same image. Nothing is unpacked; but a compressed archive
 * is written uncompressed to `spool`, a path where nothing is, until `close`.
 */
export function dockerArchiveSource(file: string, image: ArchivedImage | undefined, spool: string): ImageSource {
  return new DockerArchiveSource(file, image, spool)
}

class DockerArchiveSource implements ImageSource {
  readonly name: string
  readonly #file: string
  readonly #image: ArchivedImage | undefined
  readonly #spool: string
  #opened: Promise<LocalBlobs> | undefined
  /** What `resolve` found, by digest. */
  readonly #blobs = new Map<Digest, LocalBlob>()

  constructor(file: string, image: ArchivedImage | undefined, spool: string) {
    const suffix = image === undefined ? '' : typeof image === 'number' ? `:@${image}` : `:${formatReference(image)}`
    this.name = `docker-archive:${display(fromText(file))}${suffix}`
    this.#file = file
    this.#image = image
    this.#spool = spool
  }

  async resolve(signal: AbortSignal): Promise<Document> {
    this.#opened ??= archiveBlobs(this.#file, this.#spool, signal)
    const archive = await this.#opened
    const list = await this.#document(archive, 'manifest.json')
    const item = this.#choose(readJsonArray(list, `${this.name}: manifest.json`, 'LAYOUT_INVALID'))
    const configPath = item.text('Config')
    const configBytes = await this.#document(archive, configPath)
    const document = parseConfig(configBytes, `${this.name}: ${configPath}`)
    const config = { mediaType: DOCKER_CONFIG, digest: digestOf(configBytes), size: configBytes.length }
    this.#blobs.set(config.digest, await this.#find(archive, configPath))
    const layers = await this.#layers(archive, item.optionalTexts('Layers') ?? [], document, signal)
    return writeManifest({ config, layers, annotations: {}, mediaTypes: 'docker' })
  }

  async manifest({ digest }: Descriptor): Promise<Document> {
    throw new OcibakeError('LAYOUT_INVALID', `${this.name} has no manifest ${digest}: docker-archives have no index.`)
  }

  async *blob({ digest }: Descriptor, start: number, signal: AbortSignal): AsyncGenerator<Uint8Array> {
    const blob = this.#blobs.get(digest)
    if (blob === undefined) throw new OcibakeError('LAYOUT_INVALID', `${this.name} has no blob ${digest}.`)
    for await (const chunk of blob.read(start)) {
      signal.throwIfAborted()
      yield chunk
    }
  }

  async close(): Promise<void> {
    const opened = await this.#opened?.catch(() => undefined)
    await opened?.close()
  }

  #choose(list: readonly unknown[]): JsonFields {
    const items = list.map((item, i) => {
      if (isJsonObject(item)) return new JsonFields(item, `${this.name}: manifest.json`, 'LAYOUT_INVALID', `[${i}]`)
      throw new OcibakeError('LAYOUT_INVALID', `${this.name}: manifest.json has ${showJson(item)}; wanted an object.`)
    })
    const image = this.#image
    const found =
      image === undefined
        ? items.length === 1 && items[0]
        : typeof image === 'number'
          ? items[image]
          : items.find((item) => tagsOf(item).includes(formatReference(image)))
    if (found) return found
    const tags = items.flatMap(tagsOf).slice(0, 20)
    throw new OcibakeError(
      'BASE_NOT_FOUND',
      `${this.name} has ${items.length} images (${tags.join(', ') || 'without names'}); wanted ${image === undefined ? 'one, or a name that says which' : 'the one that is named'}.`,
      { hint: 'Write docker-archive:FILE:NAME:TAG, or docker-archive:FILE:@N for the Nth, from 0.' },
    )
  }

  async #layers(
    archive: LocalBlobs,
    paths: readonly string[],
    { rootfs }: ImageConfig,
    signal: AbortSignal,
  ): Promise<readonly Descriptor[]> {
    if (paths.length !== rootfs.diff_ids.length) {
      throw new OcibakeError(
        'LAYOUT_INVALID',
        `${this.name}: manifest.json has ${paths.length} layers; the config has ${rootfs.diff_ids.length} diff_ids.`,
      )
    }
    const layers: Descriptor[] = []
    for (const [i, path] of paths.entries()) {
      const blob = await this.#find(archive, path)
      const layer = await describeLayer(blob, rootfs.diff_ids[i]!, path, signal)
      this.#blobs.set(layer.digest, blob)
      layers.push(layer)
    }
    return layers
  }

  async #document(archive: LocalBlobs, path: string): Promise<Buffer> {
    const file = await this.#find(archive, path)
    if (file.size <= DOCUMENT_LIMIT) return readAll(file, DOCUMENT_LIMIT)
    throw new OcibakeError(
      'LAYOUT_INVALID',
      `${this.name}: ${display(fromText(path))} has ${file.size} bytes; at most ${DOCUMENT_LIMIT} are read.`,
    )
  }

  async #find(archive: LocalBlobs, path: string): Promise<LocalBlob> {
    const found = await archive.find(path)
    if (found !== undefined) return found
    const isLayout = path === 'manifest.json' && (await archive.find('oci-layout')) !== undefined
    throw new OcibakeError('LAYOUT_INVALID', `${this.name} has no '${display(fromText(path))}'.`, {
      hint: isLayout ? 'It looks like an OCI layout: write oci-archive: in front of it.' : 'Save the image again.',
    })
  }
}

/**
 * The descriptor of a layer in an archive. An uncompressed one is taken for what its diffId says and not hashed
 * here: it is verified when it enters the store.
 */
async function describeLayer(blob: LocalBlob, diffId: Digest, path: string, signal: AbortSignal): Promise<Descriptor> {
  const head = await firstBytes(blob)
  const compression = detectCompression(head)
  if (compression === 'xz' || compression === 'bzip2') {
    throw new OcibakeError(
      'LAYOUT_INVALID',
      `The layer '${display(fromText(path))}' is compressed with ${compression}; wanted gzip, zstd or none.`,
    )
  }
  const digest = compression === 'none' ? diffId : await hash(blob, signal)
  return { mediaType: layerType('docker', compression), digest, size: blob.size }
}

async function firstBytes(content: Content): Promise<Uint8Array> {
  for await (const chunk of content.open()) return chunk.subarray(0, HEAD_BYTES)
  return new Uint8Array()
}

async function hash(content: Content, signal: AbortSignal): Promise<Digest> {
  const digester = new Digester()
  for await (const chunk of content.open()) {
    signal.throwIfAborted()
    digester.update(chunk)
  }
  return digester.digest()
}

/** The full names of an item; what Docker would not read as a name is nobody's. */
function tagsOf(item: JsonFields): readonly string[] {
  return (item.optionalTexts('RepoTags') ?? []).flatMap((tag) => {
    try {
      return [formatReference(parseReference(tag))]
    } catch {
      return []
    }
  })
}
