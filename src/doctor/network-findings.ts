import { messageOf } from '../errors.ts'
import { ProxyRules } from '../network/proxy.ts'
import { proxyVariables } from '../provision/proxy-variables.ts'
import type { Examined, Finding } from './finding.ts'

/** The proxies on the way out, for us and for scripts: names and hosts, since their addresses may hold passwords. */
export function proxyFinding({ env }: Examined): Finding {
  const variables = proxyVariables(env)
  const found = Object.entries(variables).map(([name, value]) => described(name, value))
  const faults = faultsOf(env)
  const isIgnored = Object.keys(variables).some(isAll) && !Object.keys(variables).some(isOurs)
  return {
    what: 'proxy',
    state: found.length === 0 ? 'not needed' : faults.length > 0 || isIgnored ? 'missing' : 'ok',
    found: [...found, ...faults].join(', ') || 'no variable set',
    neededFor: 'registries, downloads, scripts and mmdebstrap behind a proxy',
    howToGet: 'http_proxy=http://HOST:PORT, https_proxy, no_proxy',
  }
}

const isAll = (name: string) => /^all_proxy$/i.test(name)
const isOurs = (name: string) => /^https?_proxy$/i.test(name)

function described(name: string, value: string): string {
  if (/^no_proxy$/i.test(name)) return `${name} (${value.split(',').length} entries)`
  return `${name} ${hostOf(value)}${isAll(name) ? ' (scripts see it, ocibake itself does not read it)' : ''}`
}

/** What the first request would say. */
function faultsOf(env: Examined['env']): string[] {
  const rules = new ProxyRules(env)
  return ['http://example.com', 'https://example.com'].flatMap((address) => {
    try {
      rules.proxyFor(new URL(address))
      return []
    } catch (error) {
      return [messageOf(error).replace(/\.$/, '')]
    }
  })
}

/** `host:port` of an address, and nothing else of it. */
export function hostOf(address: string): string {
  const text = address.includes('://') ? address : `http://${address}`
  return URL.canParse(text) ? new URL(text).host : 'not an address'
}
