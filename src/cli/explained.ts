import { messageOf, OcibakeError, systemCode } from '../errors.ts'

/** What Node says where it keeps the code to itself. */
const SAYS = /\b(EMFILE|ENFILE)\b|too many open files/i

/**
 * What to tell of an error: what failed first, if tidying up failed, too; and in words that no more files may be open, which
 * can come out of every library, in the middle of anything.
 */
export function explained(error: unknown): unknown {
  if (error instanceof SuppressedError) return explained(error.suppressed)
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
