import { isAbsolute } from 'node:path'
import type { Report } from '../events.ts'
import { type Digest, digestOf } from '../oci/digest.ts'
import type { Image } from '../oci/image.ts'
import { formatReference, type Reference } from '../oci/reference.ts'
import type { Transport } from '../oci/transport.ts'
import { writeWithFolder } from '../oci/write-file.ts'
import { sourceNames } from '../provision/start-fetch.ts'
import { attach } from '../registry/attach.ts'
import { RegistryClient } from '../registry/client.ts'
import type { RegistryConnection } from '../registry/connection.ts'
import { findPackages } from '../sbom/find-packages.ts'
import { purl } from '../sbom/purl.ts'
import { type SbomFacts, type SbomSubject, writeSpdx } from '../sbom/spdx-document.ts'
import type { SecretValue } from '../secrets/secret-values.ts'
import type { Plan } from '../spec/plan.ts'
import type { Base } from './base.ts'
import type { FinishedLayer } from './finished-layer.ts'
import { refuseSecretSbom } from './search-image.ts'
import { targetsOf } from './ship.ts'

/** What becomes of the list. */
export interface SbomOptions {
  /** Where it is written when the image is where it is to be. */
  readonly file?: string | undefined
  /** Whether it is pushed beside the image, to each repository that gets it. */
  readonly attach?: boolean
  /** Who says that it has made the list: `ocibake-1.2.3`. */
  readonly creator: string
}

export interface SbomSurroundings {
  readonly connection: RegistryConnection
  readonly outputs: readonly Transport[]
  /** What must not be in the list. */
  readonly credentials: readonly SecretValue[]
  readonly report: Report
  readonly signal: AbortSignal
}

export interface ShippedSbom {
  /** SPDX 2.3, JSON. */
  readonly document: Buffer
  /** The artifacts with it in registries, by digest. */
  readonly attached: readonly string[]
}

export interface MadeSbom {
  /** Writes and pushes it, as was wished. @param targets where the image is @throws OUTPUT_FAILED, DISK_FULL, what `attach` throws */
  ship(targets: readonly Reference[]): Promise<ShippedSbom>
}

const MEDIA_TYPE = 'application/spdx+json'

/** The list of what is in an image. It has been read when this returns. @throws SECRET_FOUND; what reading the image's files throws */
export async function sbomOf(
  plan: Plan,
  base: Base,
  finished: Pick<FinishedLayer, 'tree' | 'inputs'>,
  image: Image,
  { file, attach: isAttached = false, creator }: SbomOptions,
  surroundings: SbomSurroundings,
): Promise<MadeSbom> {
  const { outputs, credentials, report, signal } = surroundings
  const found = await findPackages(await finished.tree(), signal)
  for (const sentence of found.unread) report({ type: 'warning', message: `The SBOM is not complete. ${sentence}` })
  const { created = '' } = image.config.document
  const facts: SbomFacts = {
    image: imageOf(plan, image, targetsOf(plan, { push: true, outputs })),
    base: baseOf(base),
    sources: sourcesOf(plan, finished),
    found,
    notes: plan.readBase ? [] : ['The base was not read (`readBase: false`): what is in it is missing here.'],
    created,
    creator,
  }
  const document = writeSpdx(facts)
  const own = writeSpdx({ ...facts, found: { packages: [], unread: [] } })
  refuseSecretSbom(plan, { document, own }, credentials)
  return {
    async ship(targets) {
      if (file !== undefined) await writeWithFolder(file, document)
      const attached = isAttached ? await attachTo(targets, image, { document, created }, surroundings) : []
      return { document, attached }
    },
  }
}

/** Under each name that it is given by the spec and the command line, pushed or not. */
function imageOf(plan: Plan, { manifest, config }: Image, references: readonly Reference[]) {
  const { digest } = manifest
  const [first] = references
  const arch = config.document.architecture
  return {
    name: first === undefined ? plan.name : formatReference(first),
    digest,
    purls: [...new Set(references.map((reference) => ociPurl(reference, digest, arch)))],
  }
}

function baseOf({ name, digest, reference }: Base): SbomSubject | undefined {
  if (name === 'scratch') return undefined
  return { name, digest, purls: reference && digest ? [ociPurl(reference, digest)] : [] }
}

function ociPurl({ registry, repository, tag }: Reference, digest: Digest, arch?: string): string {
  const name = repository.slice(repository.lastIndexOf('/') + 1)
  const qualifiers = { arch, repository_url: `${registry}/${repository}`, tag }
  return purl({ type: 'oci', name, version: digest, qualifiers })
}

/** The archives that steps have unpacked, each once. */
function sourcesOf(plan: Plan, { inputs }: Pick<FinishedLayer, 'inputs'>): SbomSubject[] {
  const sources = new Map<string, SbomSubject>()
  for (const { number, step, title } of plan.steps) {
    if (!('unpack' in step)) continue
    const taken = inputs.fingerprints[number - 1]?.taken
    const digest = taken?.kind === 'archive' ? taken.digest : undefined
    const key = `${step.unpack} ${digest}`
    const before = sources.get(key)
    const note = `unpacked by step ${number}: ${title}`
    const made =
      before === undefined ? sourceOf(step.unpack, digest, note) : { ...before, note: `${before.note}; ${note}` }
    sources.set(key, made)
  }
  return [...sources.values()]
}

/** A path of this machine is nobody else's business. */
function sourceOf(from: string, digest: Digest | undefined, note: string): SbomSubject {
  const { name, source } = sourceNames(from)
  const location = isAbsolute(from) ? undefined : locationOf(source)
  const qualifiers = { checksum: digest, download_url: location }
  return { name, digest, purls: [purl({ type: 'generic', name, qualifiers })], location, note }
}

/** An address of the web is encoded already; a key of S3 may have any character. */
function locationOf(source: string): string {
  return /^s3:/i.test(source) ? encodeURI(source.toWellFormed()).replace(/[?#]/g, encodeURIComponent) : source
}

/** One repository after the other: each is a few small requests. */
async function attachTo(
  targets: readonly Reference[],
  { manifest: { mediaType, digest, bytes } }: Image,
  { document, created }: { readonly document: Buffer; readonly created: string },
  { connection, report, signal }: SbomSurroundings,
): Promise<readonly string[]> {
  const repositories = new Map(targets.map((one) => [`${one.registry}/${one.repository}`, one]))
  const attached: string[] = []
  for (const { registry, repository } of repositories.values()) {
    const client = new RegistryClient(
      await connection.toOwn({ registry, repository }),
      { registry, repository },
      'push',
    )
    const subject = { mediaType, digest, size: bytes.length }
    const artifact = await attach(
      client,
      subject,
      { mediaType: MEDIA_TYPE, document, kind: 'sbom', created },
      {
        signal,
        report,
      },
    )
    attached.push(formatReference({ registry, repository, digest: artifact }))
    report({ type: 'note', message: `attached the SBOM ${digestOf(document)}: ${attached.at(-1)}` })
  }
  return attached
}
