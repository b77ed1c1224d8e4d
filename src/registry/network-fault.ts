import { OcibakeError } from '../errors.ts'
import type { HttpProxy } from '../network/proxy.ts'
import { connectionCode, PROXY_FAULTS } from '../network/proxy-fault.ts'

/** Codes of failures that another try may not meet, in words. */
const TRANSIENT = new Map([
  ['ECONNRESET', 'the connection was reset'],
  ['EPIPE', 'the connection was closed while sending'],
  ['ETIMEDOUT', 'the connection timed out'],
  ['EAI_AGAIN', 'the name server did not answer'],
  ['ENETUNREACH', 'the network is unreachable'],
  ['EHOSTUNREACH', 'the host is unreachable'],
  ['ERR_STREAM_PREMATURE_CLOSE', 'the connection was closed too early'],
  ['ESTALLED', 'nothing was received for too long'],
  ['ESHORT', 'the answer ended too early'],
  ['ERANGE', 'the answer has other bytes than were asked for'],
])

const FINAL = new Map([
  ['ECONNREFUSED', 'nothing listens there'],
  ['ENOTFOUND', 'the host name is unknown'],
  ['ELINKLOCAL', 'the name leads into the link-local network'],
  ['EPROTO', 'the server does not speak TLS there'],
  ['ERR_SSL_WRONG_VERSION_NUMBER', 'the server does not speak TLS there'],
  ['ERR_SSL_PACKET_LENGTH_TOO_LONG', 'the server does not speak TLS there'],
  ['DEPTH_ZERO_SELF_SIGNED_CERT', 'its certificate is self-signed'],
  ['SELF_SIGNED_CERT_IN_CHAIN', 'its certificate is from a private authority'],
  ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'its certificate is from an unknown authority'],
  ['UNABLE_TO_GET_ISSUER_CERT_LOCALLY', 'its certificate is from an unknown authority'],
  ['CERT_HAS_EXPIRED', 'its certificate has expired'],
  ['CERT_NOT_YET_VALID', 'its certificate is not valid yet'],
  ['ERR_TLS_CERT_ALTNAME_INVALID', 'its certificate is for another name'],
  ['ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED', 'it wants a certificate of this side'],
  [
    'ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE',
    'it does not agree on TLS, as servers do that want a certificate of this side',
  ],
  ['ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE', 'it does not take the certificate of this side'],
  ['ERR_SSL_TLSV1_ALERT_UNKNOWN_CA', 'it does not take the certificate of this side'],
])

const CERTIFICATE = /CERT|LEAF_SIGNATURE|_ALERT_/

/** An exchange that ended without an answer, or in the middle of one. */
export class NetworkFault extends Error {
  override readonly name = 'NetworkFault'
  readonly code: string
  readonly #proxy: HttpProxy | undefined

  constructor(code: string, cause?: unknown, proxy?: HttpProxy) {
    const way = proxy === undefined ? '' : ` (through the proxy ${proxy.shown})`
    // Not the message of the cause: it may have the whole URL in it, signatures too.
    const other = code.startsWith('HPE_') ? `the answer is no HTTP (${code})` : `the connection failed (${code})`
    const words = TRANSIENT.get(code) ?? FINAL.get(code) ?? PROXY_FAULTS.get(code) ?? other
    super(words + way, { cause })
    this.code = code
    this.#proxy = proxy
  }

  /** The same fault of a request that went through a proxy. */
  through(proxy: HttpProxy): NetworkFault {
    return new NetworkFault(this.code, this.cause, proxy)
  }

  /** Whether another try makes sense. */
  get transient(): boolean {
    return TRANSIENT.has(this.code) || this.code === 'EPROXYFAILED' || this.code.startsWith('HPE_')
  }

  /** The server speaks TLS, but one side does not know who the other is. */
  get isCertificate(): boolean {
    return CERTIFICATE.test(this.code)
  }

  /** The failure for people. `host` is where the request went, `what` what it was for. */
  toError(what: string, host: string, attempts: number): OcibakeError {
    const tried = attempts > 1 ? ` (${attempts} attempts)` : ''
    return new OcibakeError('REGISTRY_UNREACHABLE', `${what}: ${host}: ${this.message}${tried}.`, {
      hint: this.#hint(host),
      cause: this,
    })
  }

  #hint(host: string): string {
    if (this.code === 'EPROXYAUTH') return `Write ${this.#variable}=http://USER:PASSWORD@HOST:PORT.`
    if (this.#proxy !== undefined && !this.isCertificate)
      return `Check ${this.#variable}; if ${host} is to be asked directly, name it in no_proxy.`
    if (this.code === 'CERT_HAS_EXPIRED' || this.code === 'CERT_NOT_YET_VALID')
      return `Renew the certificate of ${host}, or set this machine's clock.`
    if (this.code === 'ERR_TLS_CERT_ALTNAME_INVALID') return 'Use the name that the certificate is for.'
    const folder = `~/.config/containers/certs.d/${host}`
    if (this.code.includes('_ALERT_')) return `Put a certificate and its key there: ${folder}/client.{cert,key}`
    if (this.isCertificate) return `Put the certificate of its authority there: ${folder}/ca.crt, or set SSL_CERT_FILE.`
    if (FINAL.get(this.code)?.endsWith('TLS there'))
      return `If it is to be spoken to without TLS: --insecure-registry ${host}`
    if (this.code === 'ENOTFOUND' || this.code === 'ECONNREFUSED') return 'Check the name and port of the registry.'
    return 'Check the network, then run the same command again: what is complete is kept.'
  }

  get #variable(): string {
    return this.#proxy?.variable ?? 'https_proxy'
  }
}

/** The network's fault in whatever a socket or the resolver threw. */
export function networkFault(error: unknown): NetworkFault {
  return error instanceof NetworkFault ? error : new NetworkFault(connectionCode(error) ?? 'unknown', error)
}
