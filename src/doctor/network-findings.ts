import { proxyVariables } from '../provision/proxy-variables.ts'
import type { Examined, Finding } from './finding.ts'

/** The proxies on the way out, for us and for scripts: names and hosts, since their addresses may hold passwords. */
export function proxyFinding({ env }: Examined): Finding {
  const found = Object.entries(proxyVariables(env)).map(([name, value]) =>
    /^no_proxy$/i.test(name) ? `${name} (${value.split(',').length} entries)` : `${name} ${hostOf(value)}`,
  )
  return {
    what: 'proxy',
    state: found.length === 0 ? 'not needed' : 'ok',
    found: found.join(', ') || 'no variable set',
    neededFor: 'registries, downloads, scripts and mmdebstrap behind a proxy',
    howToGet: 'http_proxy, https_proxy, no_proxy',
  }
}

/** `host:port` of an address, and nothing else of it. */
export function hostOf(address: string): string {
  const text = address.includes('://') ? address : `http://${address}`
  return URL.canParse(text) ? new URL(text).host : 'not an address'
}
