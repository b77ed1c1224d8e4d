import { silent } from '../events.ts'
import { display } from '../oci/name.ts'
import type { TarEntry } from '../oci/tar-entry.ts'
import { fetchArchive } from '../provision/archive.ts'
import type { Session } from './session.ts'
import type { Surroundings } from './surroundings.ts'

/** Whether the text names a tarball to unpack rather than an image. */
export function isArchive(text: string): boolean {
  return /^(s3|https?):\/\//i.test(text) || /^\.{0,2}\/.*\.(tar|t[a-z]{2}|tar\.[a-z0-9]+)$/i.test(text)
}

/** Prints the members of a tarball with the names that `wildcards` match against. */
export async function inspectArchive(
  source: string,
  { store, connection }: Session,
  around: Surroundings,
): Promise<void> {
  const tools = { store, network: connection.network, report: silent, signal: around.signal }
  const archive = await fetchArchive(source, { unverified: true }, tools)
  around.stdout(`archive  ${archive.source}\nsha256   ${archive.digest.slice('sha256:'.length)}\n`)
  for (const entry of archive.entries()) around.stdout(`${lineOf(entry)}\n`)
}

function lineOf({ type, mode, uid, gid, size, path, target }: TarEntry): string {
  const owner = `${uid}:${gid}`
  const arrow = type === 'symlink' || type === 'link' ? ` -> ${display(target)}` : ''
  return `${type.padEnd(9)} ${mode.toString(8).padStart(4, '0')} ${owner.padEnd(11)} ${String(size).padStart(10)} ${display(path)}${arrow}`
}
