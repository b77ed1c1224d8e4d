import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { SliceFile } from '../../src/oci/content.ts'
import { entryContent, LayerBuilder } from '../../src/oci/layer-read.ts'
import { layerMembers } from '../../src/oci/layer-tar.ts'
import type { ByteString } from '../../src/oci/name.ts'
import type { Directory } from '../../src/oci/node.ts'
import { scan } from './raw-tar.ts'

export interface ReadTar {
  readonly layer: Directory
  /** What the layer's files are slices of. */
  readonly file: SliceFile
}

/** The layer that an archive is, as the store has it once the archive is in a file of it. Gone when the test ends. */
export function readTar(bytes: Buffer): ReadTar {
  const folder = mkdtempSync(join(tmpdir(), 'ocibake-tar-'))
  const file = new SliceFile(join(folder, 'raw.tar'))
  onTestFinished(() => {
    file.close()
    rmSync(folder, { recursive: true })
  })
  writeFileSync(file.path, bytes)
  const builder = new LayerBuilder()
  for (const entry of scan(bytes)) builder.add(entry, (of) => entryContent(file, of))
  return { layer: builder.finish(), file }
}

/** The paths of a layer's members that do not get the header that the tar has. */
export function canonical(layer: Directory, { file }: ReadTar): ByteString[] {
  const members = [...layerMembers(layer, [file])]
  return members.filter((member) => member.headerFrom === undefined).map((member) => member.path)
}
