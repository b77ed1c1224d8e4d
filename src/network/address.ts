import { BlockList, isIP } from 'node:net'

const LINK_LOCAL = blockList(['169.254.0.0', 16], ['fe80::', 10], ['fd00:ec2::254', 128])
const LOOPBACK = blockList(['127.0.0.0', 8], ['::1', 128])
/** Linux takes them for this machine, too. */
const UNSPECIFIED = blockList(['0.0.0.0', 8], ['::', 128])
const PRIVATE = blockList(['10.0.0.0', 8], ['172.16.0.0', 12], ['192.168.0.0', 16], ['100.64.0.0', 10], ['fc00::', 7])

/** `localhost`, 127.0.0.0/8 or ::1. A host name as URLs have it: IPv6 in brackets. */
export function isLoopback(hostname: string): boolean {
  return bareHost(hostname) === 'localhost' || isIn(LOOPBACK, hostname)
}

/**
 * Whatever leads to this machine: as `isLoopback`, the unspecified addresses, and names below `localhost` (RFC 6761,
 * section 6.3). Wider than what plain http is spoken to: this is for what others must not lead to.
 */
export function isThisMachine(hostname: string): boolean {
  return isLoopback(hostname) || isIn(UNSPECIFIED, hostname) || bareHost(hostname).endsWith('.localhost')
}

/** 169.254.0.0/16, fe80::/10, or the address at which AWS keeps machine credentials. */
export function isLinkLocal(hostname: string): boolean {
  return isIn(LINK_LOCAL, hostname)
}

/** An address, not a name, of a network that is not the Internet. */
export function isPrivateAddress(hostname: string): boolean {
  return isIn(PRIVATE, hostname) || isIn(LINK_LOCAL, hostname) || isThisMachine(hostname)
}

/** A host name of a URL without brackets and the dot of the root, in lower case. */
export function bareHost(hostname: string): string {
  return hostname
    .replace(/^\[|\]$/g, '')
    .replace(/\.$/, '')
    .toLowerCase()
}

function isIn(list: BlockList, hostname: string): boolean {
  const address = bareHost(hostname)
  const family = isIP(address)
  return family !== 0 && list.check(address, family === 6 ? 'ipv6' : 'ipv4')
}

function blockList(...subnets: readonly (readonly [string, number])[]): BlockList {
  const list = new BlockList()
  for (const [net, prefix] of subnets) list.addSubnet(net, prefix, net.includes(':') ? 'ipv6' : 'ipv4')
  return list
}
