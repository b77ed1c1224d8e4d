import { type ErrorCode, OcibakeError } from '../errors.ts'
import { formatReference, type Reference } from '../oci/reference.ts'
import type { Document, ImageSource } from '../oci/source.ts'
import type { RegistryConnection } from './connection.ts'
import type { Place } from './mirrors.ts'
import { registrySource } from './pull.ts'

/** What another place may not answer. Anything else is this machine's own trouble. */
const ANSWERS: ReadonlySet<ErrorCode> = new Set([
  'BASE_NOT_FOUND',
  'BLOB_MISMATCH',
  'MANIFEST_INVALID',
  'MANIFEST_UNSUPPORTED',
  'REGISTRY_UNREACHABLE',
  'REGISTRY_UNAUTHORIZED',
  'REGISTRY_DENIED',
  'REGISTRY_NOT_FOUND',
  'REGISTRY_RATE_LIMITED',
  'REGISTRY_ERROR',
])

/** Tries of one request to a place that is not the last. */
const ATTEMPTS = 2

/**
 * The image that a reference names, from the first of the connection's places for it that has it, under its own name
 * wherever it comes from. What `resolve` gave is what it stays: when a place fails later, the rest comes from the next,
 * by the same digests. The error of the last place counts; those before are told as warnings.
 * Its methods throw as `registrySource`'s do.
 * @throws USAGE, REGISTRY_ERROR for what registries.conf says
 */
export async function mirroredSource(reference: Reference, connection: RegistryConnection): Promise<ImageSource> {
  const places = await connection.placesFor(reference)
  // Whoever has somewhere else to go waits less.
  const sources = places.map((place, at) =>
    registrySource(place.reference, connection.at(place), at + 1 < places.length ? ATTEMPTS : undefined),
  )
  if (places[0]!.reference === reference) return sources[0]!
  const name = formatReference(reference)
  let at = 0

  /** Whether to go on with the next place after this error of the place number `failed`. */
  const goOn = (error: unknown, failed: number, signal: AbortSignal): boolean => {
    if (signal.aborted || !(error instanceof OcibakeError) || !ANSWERS.has(error.code)) return false
    if (failed + 1 >= places.length) return false
    // Of several requests that failed at the same place, the first leaves it.
    if (failed === at) {
      at = failed + 1
      connection.report({ type: 'warning', message: leaving(places[failed]!, places[at]!, error) })
    }
    return true
  }

  async function first(ask: (source: ImageSource) => Promise<Document>, signal: AbortSignal): Promise<Document> {
    for (;;) {
      const asked = at
      try {
        return await ask(sources[asked]!)
      } catch (error) {
        if (!goOn(error, asked, signal)) throw places[asked]!.reference === reference ? error : sentOn(error, name)
      }
    }
  }

  return {
    name,
    resolve: (signal) => first((source) => source.resolve(signal), signal),
    manifest: (descriptor, signal) => first((source) => source.manifest(descriptor, signal), signal),
    async *blob(descriptor, start, signal) {
      for (let reached = start; ; ) {
        const asked = at
        try {
          for await (const chunk of sources[asked]!.blob(descriptor, reached, signal)) {
            reached += chunk.byteLength
            yield chunk
          }
          return
        } catch (error) {
          if (!goOn(error, asked, signal)) throw places[asked]!.reference === reference ? error : sentOn(error, name)
        }
      }
    },
    async close() {
      await Promise.all(sources.map((source) => source.close()))
    },
  }
}

/** Nobody finds in a spec a host that it does not name. */
function sentOn(error: unknown, name: string): unknown {
  if (!(error instanceof OcibakeError) || !ANSWERS.has(error.code)) return error
  const { code, message, hint, where, cause } = error
  const said = `${message} That is where --mirror or registries.conf has ${name} looked for.`
  return new OcibakeError(code, said, { hint: hint!, where: where!, cause })
}

function leaving(failed: Place, next: Place, error: OcibakeError): string {
  const { registry, repository } = next.reference
  return `${error.message} Going on with ${next.isMirror ? 'the mirror ' : ''}${registry}/${repository}, instead of ${failed.reference.registry}.`
}
