import { OcibakeError } from '../errors.ts'
import { encodeRecords, NO_RECORDS, type OwnerRecords } from './owner-records.ts'
import type { SecretFile } from './sandbox.ts'

/**
 * What the native helper reads on fd 4 (native/chroot.c, read_request): fields that end in NUL, and counted bytes. It
 * goes through a pipe because arguments and environments of processes can be read by others.
 * @throws SPEC_INVALID for a NUL byte in a variable (a base's config may have one) or a path
 */
export function sandboxRequest(
  env: Readonly<Record<string, string>>,
  files: ReadonlyMap<string, SecretFile>,
  stdin?: string,
  records: OwnerRecords = NO_RECORDS,
): Buffer {
  const parts: Uint8Array[] = []
  const field = (...texts: (string | number)[]) => {
    const broken = texts.find((text) => String(text).includes('\0'))
    if (broken === undefined) return parts.push(Buffer.from(`${texts.join('\0')}\0`))
    const shown = String(broken).split(/[=\0]/, 1)[0]
    throw new OcibakeError('SPEC_INVALID', `'${shown}' holds a NUL byte, which no variable and no path can.`)
  }
  for (const [name, value] of Object.entries(env)) field('env', `${name}=${value}`)
  for (const [path, file] of files) {
    field('file', path, file.mode, file.uid, file.gid, file.bytes.byteLength)
    parts.push(file.bytes)
  }
  if (stdin !== undefined) {
    const bytes = Buffer.from(stdin)
    field('stdin', bytes.byteLength)
    parts.push(bytes)
  }
  parts.push(encodeRecords(records))
  field('run')
  return Buffer.concat(parts)
}
