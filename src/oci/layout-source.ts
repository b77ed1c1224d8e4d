import { stat } from 'node:fs/promises'
import { OcibakeError } from '../errors.ts'
import { archiveBlobs } from './archive-blobs.ts'
import { readAll } from './content.ts'
import { type Digest, hexOf } from './digest.ts'
import { DOCUMENT_LIMIT } from './json.ts'
import { checkLayoutFile, chooseEntry, parseLayoutIndex } from './layout-index.ts'
import { folderBlobs, type LocalBlob, type LocalBlobs } from './local-blobs.ts'
import { display, fromText } from './name.ts'
import type { Descriptor, Document, ImageSource } from './source.ts'
import { verified } from './verified.ts'

/**
 * The image under `tag` in an OCI image layout, or its only one: `oci:folder[:tag]` (image-spec image-layout.md).
 * Blobs must be regular files; their paths are made of validated digests only.
 */
export function layoutSource(folder: string, tag?: string): ImageSource {
  return new LayoutSource(nameOf('oci', folder, tag), tag, async () => {
    const exists = await stat(folder).then(
      (found) => found.isDirectory(),
      () => false,
    )
    if (exists) return folderBlobs(folder)
    throw new OcibakeError('BASE_NOT_FOUND', `There is no folder ${display(fromText(folder))}.`)
  })
}

/**
 * The image under `tag` in an OCI image layout that is a tar archive, or its only one: `oci-archive:file[:tag]`.
 * Nothing is unpacked; but a compressed archive is written uncompressed to `spool`, a path where nothing is, until
 * `close`.
 */
export function ociArchiveSource(file: string, tag: string | undefined, spool: string): ImageSource {
  return new LayoutSource(nameOf('oci-archive', file, tag), tag, (signal) => archiveBlobs(file, spool, signal))
}

class LayoutSource implements ImageSource {
  readonly name: string
  readonly #tag: string | undefined
  readonly #open: (signal: AbortSignal) => Promise<LocalBlobs>
  #opened: Promise<LocalBlobs> | undefined

  constructor(name: string, tag: string | undefined, open: (signal: AbortSignal) => Promise<LocalBlobs>) {
    this.name = name
    this.#tag = tag
    this.#open = open
  }

  async resolve(signal: AbortSignal): Promise<Document> {
    checkLayoutFile(await this.#document('oci-layout', signal), `${this.name}: oci-layout`)
    const { entries } = parseLayoutIndex(await this.#document('index.json', signal), `${this.name}: index.json`)
    const found = chooseEntry(entries, this.#tag, this.name)
    return 'bytes' in found ? found : this.manifest(found, signal)
  }

  async manifest(descriptor: Descriptor, signal: AbortSignal): Promise<Document> {
    const { mediaType, digest, size } = descriptor
    if (size > DOCUMENT_LIMIT) throw tooLarge(this.name, digest, size)
    const chunks: Uint8Array[] = []
    for await (const chunk of verified(this.blob(descriptor, 0, signal), descriptor)) chunks.push(chunk)
    return { mediaType, digest, bytes: Buffer.concat(chunks) }
  }

  async *blob({ digest }: Descriptor, start: number, signal: AbortSignal): AsyncGenerator<Uint8Array> {
    const blob = await this.#find(blobPath(digest), signal)
    for await (const chunk of blob.read(start)) {
      signal.throwIfAborted()
      yield chunk
    }
  }

  async close(): Promise<void> {
    const opened = await this.#opened?.catch(() => undefined)
    await opened?.close()
  }

  async #document(path: string, signal: AbortSignal): Promise<Buffer> {
    const file = await this.#find(path, signal)
    if (file.size > DOCUMENT_LIMIT) throw tooLarge(this.name, path, file.size)
    return readAll(file, DOCUMENT_LIMIT)
  }

  async #find(path: string, signal: AbortSignal): Promise<LocalBlob> {
    this.#opened ??= this.#open(signal)
    const blobs = await this.#opened
    const found = await blobs.find(path)
    if (found !== undefined) return found
    const isDocker = path === 'oci-layout' && (await blobs.find('manifest.json')) !== undefined
    throw new OcibakeError(
      'LAYOUT_INVALID',
      `${this.name} has no '${path}'; every OCI image layout has what it names.`,
      {
        hint: isDocker
          ? 'It looks like a docker-archive: write docker-archive: in front of it.'
          : 'Copy the image again.',
      },
    )
  }
}

/** Where a blob is in a layout. */
export function blobPath(digest: Digest): string {
  return `blobs/sha256/${hexOf(digest)}`
}

function nameOf(transport: string, path: string, tag: string | undefined): string {
  return `${transport}:${display(fromText(path))}${tag === undefined ? '' : `:${tag}`}`
}

function tooLarge(name: string, what: string, size: number): OcibakeError {
  return new OcibakeError('LAYOUT_INVALID', `${name}: ${what} has ${size} bytes; at most ${DOCUMENT_LIMIT} are read.`)
}
