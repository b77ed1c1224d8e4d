import { messageOf, OcibakeError } from '../errors.ts'

/** The error for compressed bytes that cannot be inflated. @param at bytes of them that were looked at */
export function damagedData(what: string, compression: 'gzip' | 'zstd', at: number, cause: unknown): OcibakeError {
  const why = typeof cause === 'string' ? cause : messageOf(cause)
  return new OcibakeError('ARCHIVE_INVALID', `${what} is damaged ${compression} data: ${why} (within ${at} bytes).`, {
    hint: 'Fetch or make it again.',
    cause,
  })
}
