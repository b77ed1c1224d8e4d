import { OcibakeError } from '../errors.ts'
import { isLoopback } from './address.ts'
import { type NoProxy, parseNoProxy } from './no-proxy.ts'

/** A server that passes requests on. */
export interface HttpProxy {
  /** With the user name and password, if it wants some. */
  readonly url: URL
  /** `http://proxy.example.com:3128`, fit for messages. */
  readonly shown: string
  /** Where it was named: `https_proxy`. */
  readonly variable: string
}

type Env = Readonly<Record<string, string | undefined>>

/**
 * Through which proxy a URL is asked by the variables `http_proxy`, `https_proxy` and `no_proxy`, also in capitals, the
 * small ones first. This machine (loopback) is always asked directly. An address without a scheme is one of http.
 * The variables are read when first needed. @throws USAGE for one that is no address of a proxy
 */
export class ProxyRules {
  readonly #env: Env
  readonly #proxies = new Map<string, HttpProxy | undefined>()
  #isExcepted: NoProxy | undefined

  constructor(env: Env) {
    this.#env = env
  }

  proxyFor(url: URL): HttpProxy | undefined {
    if (isLoopback(url.hostname)) return undefined
    const name = url.protocol === 'https:' ? 'https_proxy' : 'http_proxy'
    if (!this.#proxies.has(name)) this.#proxies.set(name, this.#read(name))
    const proxy = this.#proxies.get(name)
    if (proxy === undefined) return undefined
    this.#isExcepted ??= parseNoProxy(this.#env.no_proxy || this.#env.NO_PROXY || '')
    return this.#isExcepted(url) ? undefined : proxy
  }

  #read(name: string): HttpProxy | undefined {
    const variable = this.#env[name] ? name : name.toUpperCase()
    const value = this.#env[variable]
    if (!value) return undefined
    const url = URL.parse(/^[a-z][a-z0-9+.-]*:\/\//i.test(value) ? value : `http://${value}`)
    if (url !== null && (url.protocol === 'http:' || url.protocol === 'https:') && url.hostname !== '') {
      return { url, shown: `${url.protocol}//${url.host}`, variable }
    }
    // Never the value: there may be a password in it.
    throw new OcibakeError('USAGE', `${variable} is no address of an http proxy.`, {
      hint: `Write ${variable}=http://proxy.example.com:3128; other kinds of proxies (socks) are not spoken to.`,
    })
  }
}
