import { BlockList, isIP } from 'node:net'
import { bareHost } from './address.ts'

/** Whether a URL is one that NO_PROXY names: it is asked directly. */
export type NoProxy = (url: URL) => boolean

/**
 * Reads NO_PROXY as Go's tools do (docker, podman, skopeo): entries between commas or spaces, each `*` (everything), an
 * address, a block of addresses (`10.0.0.0/8`), a name with all below it (`example.com`), or only what is below it
 * (`.example.com`, `*.example.com`); any but a block may end in a port, and is then for that port alone. Names are not
 * resolved. What is none of these matches nothing. (golang.org/x/net/http/httpproxy, Config.NoProxy)
 */
export function parseNoProxy(text: string): NoProxy {
  const entries = text.split(/[\s,]+/).filter((entry) => entry !== '')
  const rules = entries.map(parseEntry)
  return (url) => rules.some((matches) => matches(url))
}

function parseEntry(entry: string): NoProxy {
  if (entry === '*') return () => true
  const block = /^([0-9a-f:.]+)\/(\d{1,3})$/i.exec(entry)
  if (block !== null) return blockRule(block[1]!, Number(block[2]))
  const { host, port } = splitPort(entry)
  const isHost = isIP(host) === 0 ? nameRule(host) : blockRule(host, isIP(host) === 6 ? 128 : 32)
  return (url) => (port === undefined || portOf(url) === port) && isHost(url)
}

function nameRule(host: string): NoProxy {
  const below = host.startsWith('*.') ? host.slice(1) : host.startsWith('.') ? host : `.${host}`
  const isExact = host === below.slice(1)
  return ({ hostname }) => bareHost(hostname).endsWith(below) || (isExact && bareHost(hostname) === host)
}

function blockRule(address: string, prefix: number): NoProxy {
  const family = isIP(address)
  if (family === 0 || prefix > (family === 6 ? 128 : 32)) return () => false
  const list = new BlockList()
  list.addSubnet(address, prefix, family === 6 ? 'ipv6' : 'ipv4')
  return ({ hostname }) => {
    const host = bareHost(hostname)
    const kind = isIP(host)
    return kind !== 0 && list.check(host, kind === 6 ? 'ipv6' : 'ipv4')
  }
}

/** `host:port`, `[v6]:port`, `[v6]`, a bare address of either kind, or a name. */
function splitPort(entry: string): { host: string; port: string | undefined } {
  const match = isIP(entry) === 6 ? null : /^(.+?):(\d{1,5})$/.exec(entry)
  return { host: bareHost(match?.[1] ?? entry), port: match?.[2] }
}

function portOf(url: URL): string {
  return url.port === '' ? (url.protocol === 'https:' ? '443' : '80') : url.port
}
