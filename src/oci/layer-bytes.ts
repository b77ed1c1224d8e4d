import { OcibakeError } from '../errors.ts'
import type { Content, SliceFile } from './content.ts'
import { layerMembers, type TarMember } from './layer-tar.ts'
import { type ByteString, display } from './name.ts'
import type { Directory } from './node.ts'
import { END_OF_ARCHIVE, padding } from './tar-header.ts'

/** The uncompressed tar of a layer. @throws as `layerMembers` and `archiveBytes` */
export function layerBytes(layer: Directory, tars: readonly SliceFile[] = []): AsyncGenerator<Uint8Array> {
  return archiveBytes(layerMembers(layer, tars))
}

/**
 * A tar: its members, and the end of the archive. Contents are opened one after the other, chunks pass uncopied: they may
 * be shared with others, never to be changed or transferred. @throws as `exactBytes`
 */
export async function* archiveBytes(members: Iterable<TarMember>): AsyncGenerator<Uint8Array> {
  for (const { path, header, content } of members) {
    yield header
    if (content === undefined) continue
    yield* exactBytes(path, content)
    const rest = padding(content.size)
    if (rest.length > 0) yield rest
  }
  yield END_OF_ARCHIVE
}

/** The bytes of a content. @throws FILE_CHANGED when they are not just as many as its size */
export async function* exactBytes(path: ByteString, content: Content): AsyncGenerator<Uint8Array> {
  let got = 0
  for await (const bytes of content.open()) {
    got += bytes.byteLength
    if (got > content.size) throw changed(path, `at least ${got}`, content.size)
    yield bytes
  }
  if (got !== content.size) throw changed(path, String(got), content.size)
}

function changed(path: ByteString, got: string, want: number): OcibakeError {
  return new OcibakeError('FILE_CHANGED', `/${display(path)} gave ${got} bytes while it was read; wanted ${want}.`, {
    hint: 'Build again when nothing writes to the files of the build.',
  })
}
