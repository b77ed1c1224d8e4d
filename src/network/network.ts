import dns from 'node:dns'
import http from 'node:http'
import https from 'node:https'
import type { LookupFunction } from 'node:net'
import tls from 'node:tls'
import { systemCode } from '../errors.ts'
import type { SecretValue } from '../secrets/secret-values.ts'
import { isLinkLocal } from './address.ts'
import { ownReadBuffer } from './own-read-buffer.ts'
import { type HttpProxy, ProxyRules } from './proxy.ts'

/** How https is to be spoken with one host, where that differs from the rest. One object is one identity. */
export interface TlsIdentity {
  /** Authorities beside those that are trusted anyway, PEM. */
  readonly ca?: readonly string[]
  /** What this side shows of itself, PEM. */
  readonly cert?: string
  readonly key?: string
  /** Whatever the other side shows of itself is taken. */
  readonly unverified?: boolean
}

const UNKNOWN_AUTHORITY: ReadonlySet<string> = new Set([
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
])

const USUAL: TlsIdentity = {}

/**
 * How requests leave this machine: directly or through the proxy that `env` names, and whose certificates are believed.
 * Those are Node's own authorities and NODE_EXTRA_CA_CERTS, and once they are not enough, the machine's (which
 * SSL_CERT_FILE and SSL_CERT_DIR can name): reading them takes a tenth of a second that most builds need not spend.
 */
export class Network {
  readonly #rules: ProxyRules
  readonly #agents = new Map<TlsIdentity, Map<string, http.Agent>>()
  #machineAuthorities: readonly string[] | undefined

  /** What was shown to anybody to be let in, or is going to be: no image may have it. */
  readonly credentials: SecretValue[] = []

  constructor(env: Readonly<Record<string, string | undefined>> = {}) {
    this.#rules = new ProxyRules(env)
  }

  /** Through whom a URL is asked. @throws USAGE for a variable that is no address of a proxy */
  proxyFor(url: URL): HttpProxy | undefined {
    return this.#rules.proxyFor(url)
  }

  /**
   * What `request` gives with the agent for a URL. It is called again, once, when it failed because nobody known vouches
   * for the certificate: before anything was sent. @throws USAGE, and what `request` throws
   */
  async reach<T>(url: URL, request: (agent: http.Agent) => Promise<T>, identity: TlsIdentity = USUAL): Promise<T> {
    const before = this.#machineAuthorities
    try {
      return await request(this.#agent(url, identity))
    } catch (error) {
      if (before !== undefined || !UNKNOWN_AUTHORITY.has(systemCode(error) ?? '')) throw error
      this.#machineAuthorities ??= tls.getCACertificates('system')
      return await request(this.#agent(url, identity))
    }
  }

  /** Ends idle connections, and those in use. More requests may follow. */
  close(): void {
    for (const agents of this.#agents.values()) for (const agent of agents.values()) agent.destroy()
    this.#agents.clear()
  }

  #agent(url: URL, identity: TlsIdentity): http.Agent {
    const proxy = this.proxyFor(url)
    const agents = this.#agents.get(identity) ?? new Map<string, http.Agent>()
    this.#agents.set(identity, agents)
    const key = `${url.protocol} ${proxy?.url.href} ${this.#machineAuthorities === undefined}`
    const known = agents.get(key)
    if (known !== undefined) return known
    // Behind a proxy it is the proxy that resolves names.
    const way = proxy === undefined ? { lookup } : { proxyEnv: proxyEnv(proxy) }
    const options = { keepAlive: true, onread: ownReadBuffer(), ...way }
    const agent =
      url.protocol === 'https:' ? new https.Agent({ ...options, ...this.#trust(identity) }) : new http.Agent(options)
    agents.set(key, agent)
    return agent
  }

  #trust({ ca = [], cert, key, unverified = false }: TlsIdentity): https.AgentOptions {
    if (unverified) return { rejectUnauthorized: false, ...(cert && { cert }), ...(key && { key }) }
    const added = [...ca, ...(this.#machineAuthorities ?? [])]
    if (added.length === 0 && cert === undefined) return {}
    // Made once: with `ca`, Node would read a few hundred certificates anew for each connection.
    const authorities = added.length === 0 ? {} : { ca: [...new Set([...tls.getCACertificates('default'), ...added])] }
    return { secureContext: tls.createSecureContext({ ...authorities, ...(cert && { cert }), ...(key && { key }) }) }
  }
}

function proxyEnv({ url: { href } }: HttpProxy): Record<string, string> {
  return { HTTP_PROXY: href, HTTPS_PROXY: href }
}

/** The resolver, without a way into the link-local network: a name can be made to lead anywhere. */
const lookup: LookupFunction = (hostname, options, callback) => {
  dns.lookup(hostname, options, (error, address, family) => {
    const addresses = typeof address === 'string' ? [address] : (address ?? []).map((one) => one.address)
    const fault = addresses.some(isLinkLocal) ? Object.assign(new Error('link-local'), { code: 'ELINKLOCAL' }) : error
    callback(fault, address, family)
  })
}
