import { OcibakeError } from '../errors.ts'
import { isLinkLocal, isLoopback, isThisMachine } from '../network/address.ts'
import { bareUrl } from '../network/bare-url.ts'

/**
 * Checks one hop of a download, the first (`from` undefined) or a redirect from another URL.
 * @throws FETCH_DENIED for anything but https, http on loopback alone; for a redirect from https to http; and for one
 * from elsewhere to this machine or its link-local network, where cloud metadata services answer
 */
export function checkHop(to: URL, from?: URL): void {
  if (to.protocol !== 'https:' && !(to.protocol === 'http:' && isLoopback(to.hostname))) {
    throw refused(to, from, `${to.protocol}// is not encrypted or not known; wanted https://`)
  }
  if (from === undefined) return
  if (from.protocol === 'https:' && to.protocol === 'http:') throw refused(to, from, 'it leads from https to http')
  const leadsHere = isThisMachine(to.hostname) && !isThisMachine(from.hostname)
  if (leadsHere || isLinkLocal(to.hostname)) throw refused(to, from, 'it leads into this machine')
}

function refused(to: URL, from: URL | undefined, why: string): OcibakeError {
  const what = from === undefined ? bareUrl(to) : `${bareUrl(from)}: the redirect to ${bareUrl(to)}`
  return new OcibakeError('FETCH_DENIED', `${what} is not followed: ${why}.`, {
    hint: 'Use the https:// address of the file itself.',
  })
}
