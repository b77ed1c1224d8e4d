import { messageOf, OcibakeError, systemCode } from '../errors.ts'

/** What Node says where it keeps the code to itself. */
const SAYS = /\b(EMFILE|ENFILE)\b|too many open files/i

/**
 * What to tell of an error: itself, unless what led to it is that no more files may be open. That can come out of every
 * library, in the middle of anything.
 */
export function explained(error: unknown): unknown {
  for (let at = error; at instanceof Error; at = at.cause) {
    const code = systemCode(at) ?? ''
    if (code !== 'EMFILE' && code !== 'ENFILE' && !SAYS.test(messageOf(at))) continue
    return new OcibakeError('TOO_MANY_FILES', 'This process may not open more files.', {
      hint: 'Raise the limit: ulimit -n 1024',
      cause: error,
    })
  }
  return error
}
