import type { ByteString } from '../oci/name.ts'
import { TarScanner } from '../oci/tar-scan.ts'
import { type Found, SecretPatterns, SecretSearch } from './secret-search.ts'
import type { SecretValue } from './secret-values.ts'

/** A credential in a tar archive. */
export interface FoundMember extends Pick<Found, 'kind' | 'needle'> {
  /** As the archive has it; '' for what is in no file: names, targets of links, attributes. */
  readonly path: ByteString
}

/**
 * Long values in a whole archive, headers included, that nobody needs to unpack for it. `open` is called again when there
 * is something to be named. @throws whatever reading throws; ARCHIVE_INVALID
 */
export async function searchArchive(
  open: () => AsyncIterable<Uint8Array>,
  values: readonly SecretValue[],
): Promise<FoundMember[]> {
  const patterns = new SecretPatterns(values, 'base')
  if (patterns.isEmpty) return []
  const search = new SecretSearch(patterns)
  for await (const chunk of open()) search.push(chunk)
  const found = search.end()
  return found.length === 0 ? [] : await named(open(), found)
}

async function named(bytes: AsyncIterable<Uint8Array>, found: readonly Found[]): Promise<FoundMember[]> {
  const paths = new Map<Found, ByteString>()
  const scanner = new TarScanner()
  for await (const chunk of bytes) {
    for (const { path, data } of scanner.push(chunk)) {
      for (const { offset, size } of data) {
        for (const one of found) if (one.at >= offset && one.at < offset + size) paths.set(one, path)
      }
    }
  }
  const members = found.map((one) => ({ kind: one.kind, needle: one.needle!, path: paths.get(one) ?? '' }))
  return [...new Map(members.map((one) => [`${one.path}\0${one.needle.name}`, one])).values()]
}
