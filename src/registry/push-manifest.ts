import { OcibakeError } from '../errors.ts'
import type { Report } from '../events.ts'
import type { Digest } from '../oci/digest.ts'
import { MANIFEST_TYPES } from '../oci/media-types.ts'
import { formatReference, type Reference } from '../oci/reference.ts'
import type { Document } from '../oci/source.ts'
import type { RegistryClient } from './client.ts'
import { interruption, pause, waitBefore } from './retry.ts'
import type { Answer } from './transport.ts'

export interface ManifestPushOptions {
  readonly signal: AbortSignal
  readonly report: Report
  /** A tag that its registry does not let be moved stays, and the image is pushed by its digest; default: an error. */
  readonly allowImmutableTags?: boolean
}

/**
 * Stores a manifest, whose blobs are there, under a tag or else its digest, and reads it back: registries that copy what
 * they take to several places may not show it at once. A tag that names it already is as good as one that was put.
 * Returns what names the image now: the reference itself, or the one by digest where a tag had to stay.
 * @throws REGISTRY_* when the registry refuses it, does not show it after all tries, or shows another; INTERRUPTED
 */
export async function pushManifest(
  client: RegistryClient,
  reference: Reference,
  manifest: Document,
  options: ManifestPushOptions,
): Promise<Reference> {
  const { signal } = options
  const name = reference.tag ?? manifest.digest
  const answer = await client.putManifest(name, manifest, signal)
  const isTaken = answer.status < 300
  if (isTaken) await readBack(client, reference, manifest, options)
  else if (await staysAs(client, reference, manifest, answer, options)) {
    const { registry, repository } = reference
    return await pushManifest(client, { registry, repository, digest: manifest.digest }, manifest, options)
  }
  tellPushed(reference, manifest, options)
  return reference
}

export function tellPushed(reference: Reference, { digest }: Document, { report }: ManifestPushOptions): void {
  report({ type: 'pushed', reference: formatReference(reference), digest })
}

/** Which of the references to the client's repository name the manifest. Never throws: what is not known is put. */
export async function namesOf(
  client: RegistryClient,
  references: readonly Reference[],
  { digest, mediaType }: Document,
  signal: AbortSignal,
): Promise<ReadonlySet<Reference>> {
  const names = new Set<Reference>()
  const ask = async (reference: Reference) => {
    const found = await digestOf(client, reference.tag ?? digest, [mediaType], signal).catch(() => undefined)
    if (found === digest) names.add(reference)
  }
  await Promise.all(references.map(ask))
  return names
}

/** Asks until the registry has what it took, as often as any request is tried. */
async function readBack(
  client: RegistryClient,
  reference: Reference,
  { digest, mediaType }: Document,
  { signal, report }: ManifestPushOptions,
): Promise<void> {
  const name = reference.tag ?? digest
  const { attempts: limit } = client.timing
  for (let attempt = 1; ; attempt++) {
    const found = await digestOf(client, name, [mediaType], signal)
    if (found === digest) return
    if (attempt >= limit) throw notThere(reference, digest, found, attempt)
    const waitMilliseconds = waitBefore(attempt, null, client.timing)
    const reason = found === undefined ? `${client.registry} does not have it yet` : `${client.registry} has ${found}`
    report({ type: 'retry', what: client.what(`manifest ${name}`), attempt, limit, waitMilliseconds, reason })
    await pause(waitMilliseconds, signal)
  }
}

function notThere(reference: Reference, digest: Digest, found: Digest | undefined, attempts: number): OcibakeError {
  const name = formatReference(reference)
  const message =
    found === undefined
      ? `${name} is not there after the push of ${digest} (${attempts} attempts).`
      : `${name} is ${found} after the push; ${digest} was pushed (${attempts} attempts).`
  const hint =
    found === undefined
      ? 'Run the same command again: what is there is not sent twice.'
      : 'Somebody else may have pushed the same tag just now, or the registry rewrites manifests.'
  return new OcibakeError('REGISTRY_ERROR', message, { hint })
}

/**
 * After a refusal: false when the tag names the image already, true when it names another one and may do so.
 * @throws the refusal
 */
async function staysAs(
  client: RegistryClient,
  reference: Reference,
  manifest: Document,
  refusal: Answer,
  { signal, report, allowImmutableTags = false }: ManifestPushOptions,
): Promise<boolean> {
  const error = await client.failure(refusal, `manifest ${reference.tag ?? manifest.digest}`)
  // Why it cannot be read says less than why it cannot be written.
  const found = await digestOf(client, reference.tag ?? manifest.digest, MANIFEST_TYPES, signal).catch(() => undefined)
  if (signal.aborted) throw interruption(signal)
  if (found === manifest.digest) return false
  if (found === undefined || reference.tag === undefined) throw error
  const name = formatReference(reference)
  if (!allowImmutableTags) {
    throw new OcibakeError(error.code, error.message, {
      hint: `${name} is ${found}. Choose another tag, or leave it as it is: --allow-immutable-tags`,
    })
  }
  report({
    type: 'warning',
    message: `${name} stays ${found}: its registry does not let tags be moved.`,
    hint: 'Choose another tag for what this build made; until then it has its digest alone.',
  })
  return true
}

/** Of the manifest that the registry has under a name, or undefined when it has none. */
async function digestOf(
  client: RegistryClient,
  name: string,
  accept: readonly string[],
  signal: AbortSignal,
): Promise<Digest | undefined> {
  try {
    return (await client.getManifest(name, accept, signal)).digest
  } catch (error) {
    if (error instanceof OcibakeError && error.code === 'REGISTRY_NOT_FOUND') return undefined
    throw error
  }
}
