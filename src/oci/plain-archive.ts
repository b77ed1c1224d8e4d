import { once } from 'node:events'
import type { Pack } from 'tar-stream'
import { OcibakeError } from '../errors.ts'
import type { Content } from './content.ts'

/** A file of an archive: a name in ASCII, and its bytes. */
export interface ArchiveMember {
  readonly name: string
  readonly content: Content
}

/**
 * A tar archive of plain files, owned by root, 0644, from 1970: the same members give the same bytes. Contents are
 * opened one after the other. This is for the archives that carry images; layers, whose files have xattrs and any
 * owner and time, are written by `layerBytes`.
 * @throws STORE_CORRUPT when a content does not have its size; whatever a content throws
 */
export async function* plainArchive(members: Iterable<ArchiveMember>): AsyncGenerator<Uint8Array> {
  const { pack } = await import('tar-stream')
  const archive = pack()
  const stop = new AbortController()
  let failure: { readonly error: unknown } | undefined
  const feeding = feed(archive, members, stop.signal).catch((error: unknown) => {
    failure ??= { error }
    archive.destroy()
  })
  try {
    // A Pack yields Buffers and nothing else; streamx's types say unknown.
    for await (const chunk of archive) yield chunk as Buffer
  } catch (error) {
    failure ??= { error }
  } finally {
    // A reader that stops early must not leave the feeder waiting for room, with a file open.
    stop.abort()
    archive.destroy()
    await feeding
  }
  if (failure !== undefined) throw failure.error
}

async function feed(archive: Pack, members: Iterable<ArchiveMember>, signal: AbortSignal): Promise<void> {
  for (const { name, content } of members) {
    const entry = archive.entry({ name, size: content.size, mode: 0o644, uid: 0, gid: 0, mtime: new Date(0) })
    // An entry that is destroyed with its archive says so by an event, which nobody must miss.
    entry.on('error', () => {})
    let size = 0
    for await (const chunk of content.open()) {
      signal.throwIfAborted()
      size += chunk.byteLength
      if (size > content.size) break
      if (!entry.write(chunk)) await once(entry, 'drain', { signal })
    }
    if (size !== content.size) {
      throw new OcibakeError('STORE_CORRUPT', `${name} gave ${size} bytes; wanted ${content.size}.`, {
        hint: 'Run: ocibake cache verify',
      })
    }
    entry.end(null)
  }
  archive.finalize()
}
