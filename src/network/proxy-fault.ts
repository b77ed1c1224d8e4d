import { messageOf, systemCode } from '../errors.ts'

/** What a proxy can do instead of connecting: codes of ours, in words. Only the last may go better the next time. */
export const PROXY_FAULTS: ReadonlyMap<string, string> = new Map([
  ['EPROXYAUTH', 'the proxy wants a user name and password that it knows'],
  ['EPROXYDENIED', 'the proxy refuses to connect'],
  ['EPROXYFAILED', 'the proxy could not connect'],
])

/** The code of a failed connection: the system's, or one of PROXY_FAULTS; undefined for what is no such failure. */
export function connectionCode(error: unknown): string | undefined {
  const code = systemCode(error)
  if (code !== 'ERR_PROXY_TUNNEL') return code
  // Node says only in its message what a proxy answered to CONNECT.
  const status = Number(/HTTP\/1\.[01] (\d{3})/.exec(messageOf(error))?.[1] ?? 0)
  if (status === 407) return 'EPROXYAUTH'
  return status >= 400 && status < 500 ? 'EPROXYDENIED' : 'EPROXYFAILED'
}
