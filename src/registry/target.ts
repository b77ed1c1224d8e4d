import { OcibakeError } from '../errors.ts'
import { isLinkLocal, isLoopback, isThisMachine } from '../network/address.ts'
import { displayUrl } from './redact.ts'

/**
 * Refuses a URL to which no request of ours may go: another scheme than http(s), user info, the link-local network
 * (where clouds keep their machines' credentials), and plain http to a host that is neither loopback nor in `insecure`
 * (entries `host` or `host:port`, as references spell them).
 * @throws REGISTRY_ERROR
 */
export function checkTarget(url: URL, insecure: ReadonlySet<string>): void {
  if (url.protocol !== 'https:' && url.protocol !== 'http:') throw refused(url, 'only http and https are spoken')
  if (url.username !== '' || url.password !== '') throw refused(url, 'a URL of a registry has no user info')
  if (isLinkLocal(url.hostname)) throw refused(url, 'it is in the link-local network')
  if (url.protocol === 'http:' && !isLoopback(url.hostname) && !isNamed(url, insecure)) {
    throw refused(url, 'it is plain http', `If that host is to be trusted without TLS: --insecure-registry ${url.host}`)
  }
}

/**
 * As `checkTarget`, for a URL that an answer from `from` leads to (a redirect, an upload's Location, a token's realm):
 * never from https to http, and to loopback only from loopback.
 * @throws REGISTRY_ERROR
 */
export function checkLed(url: URL, from: URL, insecure: ReadonlySet<string>): void {
  checkTarget(url, insecure)
  if (from.protocol === 'https:' && url.protocol === 'http:') throw refused(url, `${from.host} was asked by https`)
  if (isThisMachine(url.hostname) && !isThisMachine(from.hostname)) {
    throw refused(url, `${from.host} is another machine, and that is a name of this one`)
  }
}

/** Whether a user named this URL's host as one to be trusted without TLS. */
export function isNamed(url: URL, insecure: ReadonlySet<string>): boolean {
  const port = url.port === '' ? (url.protocol === 'https:' ? '443' : '80') : url.port
  return insecure.has(url.host) || insecure.has(`${url.hostname}:${port}`)
}

function refused(url: URL, why: string, hint?: string): OcibakeError {
  return new OcibakeError(
    'REGISTRY_ERROR',
    `No request goes to ${displayUrl(url)}: ${why}.`,
    hint === undefined ? {} : { hint },
  )
}
