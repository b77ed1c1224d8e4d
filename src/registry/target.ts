import { BlockList, isIP } from 'node:net'
import { OcibakeError } from '../errors.ts'
import { displayUrl } from './redact.ts'

const LINK_LOCAL = blockList(['169.254.0.0', 16], ['fe80::', 10], ['fd00:ec2::254', 128])
const LOOPBACK = blockList(['127.0.0.0', 8], ['::1', 128])
const PRIVATE = blockList(['10.0.0.0', 8], ['172.16.0.0', 12], ['192.168.0.0', 16], ['100.64.0.0', 10], ['fc00::', 7])

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
  if (isLoopback(url.hostname) && !isLoopback(from.hostname)) {
    throw refused(url, `${from.host} is another machine, and that is a name of this one`)
  }
}

/** Whether a user named this URL's host as one to be trusted without TLS. */
export function isNamed(url: URL, insecure: ReadonlySet<string>): boolean {
  const port = url.port === '' ? (url.protocol === 'https:' ? '443' : '80') : url.port
  return insecure.has(url.host) || insecure.has(`${url.hostname}:${port}`)
}

/** `localhost`, 127.0.0.0/8 or ::1. A host name as URLs have it: IPv6 in brackets. */
export function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || isIn(LOOPBACK, hostname)
}

/** 169.254.0.0/16, fe80::/10, or the address at which AWS keeps machine credentials. */
export function isLinkLocal(hostname: string): boolean {
  return isIn(LINK_LOCAL, hostname)
}

/** An address, not a name, of a network that is not the Internet. */
export function isPrivateAddress(hostname: string): boolean {
  return isIn(PRIVATE, hostname) || isIn(LINK_LOCAL, hostname) || isLoopback(hostname)
}

function refused(url: URL, why: string, hint?: string): OcibakeError {
  return new OcibakeError(
    'REGISTRY_ERROR',
    `No request goes to ${displayUrl(url)}: ${why}.`,
    hint === undefined ? {} : { hint },
  )
}

function isIn(list: BlockList, hostname: string): boolean {
  const address = hostname.replace(/^\[|\]$/g, '')
  const family = isIP(address)
  return family !== 0 && list.check(address, family === 6 ? 'ipv6' : 'ipv4')
}

function blockList(...subnets: readonly (readonly [string, number])[]): BlockList {
  const list = new BlockList()
  for (const [net, prefix] of subnets) list.addSubnet(net, prefix, net.includes(':') ? 'ipv6' : 'ipv4')
  return list
}
