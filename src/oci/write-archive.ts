import { writeFileAtomically } from './write-file.ts'

/** Where an archive goes: to a file, by its path, or to what takes the bytes in its place. */
export type ArchivePlace = string | ((bytes: AsyncIterable<Uint8Array>) => Promise<void>)

/** Writes an archive to its place. Atomic if that is a file. @throws as `writeFileAtomically`, or what the taker throws */
export async function writeArchive(place: ArchivePlace, bytes: AsyncIterable<Uint8Array>): Promise<void> {
  await (typeof place === 'string' ? writeFileAtomically(place, bytes) : place(bytes))
}
