import { OcibakeError } from '../errors.ts'
import { isLoopback } from '../network/address.ts'
import { NetworkFault } from './network-fault.ts'
import { isNamed } from './target.ts'
import type { Transport } from './transport.ts'

/** Milliseconds for an answer to plain http: a server may wait for the rest of what it takes for a handshake. */
const PROMPT = 5000

/** What registries add to each answer. (distribution-spec, "Legacy Docker support HTTP headers") */
const REGISTRY_HEADER = 'docker-distribution-api-version'

/**
 * The origin at which a registry (as in a Reference) answers. Nobody but loopback and hosts named insecure is asked for
 * it: theirs is https. A host named insecure is asked by https first, since whoever breaks that on the way must not get
 * credentials in clear. On loopback nobody is on the way, and most speak plain http: that is asked first, as TLS that
 * leads nowhere costs more than all other requests. Nothing is shown to anybody here.
 * @throws REGISTRY_UNREACHABLE, REGISTRY_ERROR, INTERRUPTED
 */
export async function findEndpoint(registry: string, transport: Transport, signal: AbortSignal): Promise<URL> {
  // Docker Hub's name and its registry's host have been different since its first version.
  const https = new URL(`https://${registry === 'docker.io' ? 'registry-1.docker.io' : registry}/`)
  const isNear = isLoopback(https.hostname)
  if (!isNear && !isNamed(https, transport.insecure)) return https
  const http = new URL(`http://${registry}/`)
  if (isNear && (await isRegistry(http, transport, signal))) return http
  try {
    await transport.send(question(https, signal))
    return https
  } catch (error) {
    if (!isUnspoken(error)) throw error
    return http
  }
}

/**
 * Whether a registry is what answers there. Servers that speak TLS do answer plain http, by 400, a redirect, or 404 of
 * whatever else they serve.
 */
async function isRegistry(origin: URL, transport: Transport, signal: AbortSignal): Promise<boolean> {
  const either = AbortSignal.any([signal, AbortSignal.timeout(PROMPT)])
  try {
    const { status, headers } = await transport.send({ ...question(origin, either), redirects: 'refuse' })
    return (status === 200 || status === 401) && headers.has(REGISTRY_HEADER)
  } catch (error) {
    if (signal.aborted || !(error instanceof OcibakeError)) throw error
    return false
  }
}

function question(origin: URL, signal: AbortSignal) {
  const url = new URL('/v2/', origin)
  return { method: 'GET', url, what: `search for ${origin.host}`, signal, attempts: 1 } as const
}

function isUnspoken(error: unknown): boolean {
  return error instanceof OcibakeError && error.cause instanceof NetworkFault && !error.cause.isCertificate
}
