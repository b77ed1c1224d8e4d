import { createHash } from 'node:crypto'
import { type Digest, hexOf } from '../oci/digest.ts'
import { display } from '../oci/name.ts'
import type { FoundPackages } from './find-packages.ts'
import type { FoundPackage } from './found-package.ts'

/** Something with a digest that an image is, or is made of. */
export interface SbomSubject {
  readonly name: string
  readonly digest?: Digest | undefined
  readonly purls: readonly string[]
  /** Where it can be had; undefined when nobody else can know. */
  readonly location?: string | undefined
  /** What it is in this image, for people. */
  readonly note?: string | undefined
}

/** All that the list says of an image. */
export interface SbomFacts {
  readonly image: SbomSubject & { readonly digest: Digest }
  readonly base: SbomSubject | undefined
  /** What was unpacked. */
  readonly sources: readonly SbomSubject[]
  readonly found: FoundPackages
  /** What else has to be known about the list, a sentence each. */
  readonly notes: readonly string[]
  /** RFC 3339, UTC, whole seconds: that of the image. */
  readonly created: string
  /** Program and version: `ocibake-1.2.3`. */
  readonly creator: string
}

const DOCUMENT = 'SPDXRef-DOCUMENT'
const IMAGE = 'SPDXRef-Image'
const BASE = 'SPDXRef-Base'

/**
 * The list as SPDX 2.3 has it in JSON. The same facts give the same bytes: there is no time and no random number in it.
 * (https://spdx.github.io/spdx-spec/v2.3)
 */
export function writeSpdx(facts: SbomFacts): Buffer {
  const { image, base, sources, found, created, creator } = facts
  const annotator = `Tool: ${creator}`
  const notes = [...facts.notes, ...found.unread]
  const elements = [
    { ...subject(IMAGE, image), primaryPackagePurpose: 'CONTAINER' },
    ...(base === undefined ? [] : [{ ...subject(BASE, base), primaryPackagePurpose: 'CONTAINER' }]),
    ...sources.map((source) => ({
      ...subject(idOf(source.name, JSON.stringify(source)), source),
      primaryPackagePurpose: 'ARCHIVE',
    })),
    ...found.packages.map(contents),
  ]
  const document = {
    spdxVersion: 'SPDX-2.3',
    dataLicense: 'CC0-1.0',
    SPDXID: DOCUMENT,
    name: image.name,
    documentNamespace: `https://spdx.org/spdxdocs/${encodeURIComponent(image.name)}-${hexOf(image.digest)}`,
    creationInfo: { created, creators: [annotator] },
    ...(notes.length > 0 && {
      annotations: notes.map((comment) => ({ annotationDate: created, annotationType: 'OTHER', annotator, comment })),
    }),
    packages: elements,
    relationships: elements.map(relationship),
  }
  // What is undefined is left out.
  return Buffer.from(`${JSON.stringify(document, null, 2)}\n`)
}

function subject(id: string, { name, digest, purls, location, note }: SbomSubject) {
  return {
    SPDXID: id,
    name,
    versionInfo: digest,
    downloadLocation: location ?? 'NOASSERTION',
    sourceInfo: note,
    ...UNKNOWN,
    checksums: digest && [{ algorithm: 'SHA256', checksumValue: hexOf(digest) }],
    externalRefs: purls.length === 0 ? undefined : purls.map(purlReference),
  }
}

function contents({ name, version, purl, supplier, license, from }: FoundPackage) {
  return {
    SPDXID: idOf(name, purl),
    name,
    versionInfo: version,
    downloadLocation: 'NOASSERTION',
    supplier,
    sourceInfo: `found in /${display(from)}`,
    ...UNKNOWN,
    licenseDeclared: license ?? 'NOASSERTION',
    externalRefs: [purlReference(purl)],
  }
}

/** No file was looked at to tell. */
const UNKNOWN = {
  filesAnalyzed: false,
  licenseConcluded: 'NOASSERTION',
  licenseDeclared: 'NOASSERTION',
  copyrightText: 'NOASSERTION',
} as const

const purlReference = (purl: string) => ({
  referenceCategory: 'PACKAGE-MANAGER',
  referenceType: 'purl',
  referenceLocator: purl,
})

interface Element {
  readonly SPDXID: string
  readonly primaryPackagePurpose?: string
}

/** How an element came to be in the list. */
function relationship({ SPDXID, primaryPackagePurpose }: Element) {
  if (SPDXID === IMAGE) return { spdxElementId: DOCUMENT, relationshipType: 'DESCRIBES', relatedSpdxElement: IMAGE }
  const relationshipType =
    SPDXID === BASE ? 'DESCENDANT_OF' : primaryPackagePurpose === 'ARCHIVE' ? 'GENERATED_FROM' : 'CONTAINS'
  return { spdxElementId: IMAGE, relationshipType, relatedSpdxElement: SPDXID }
}

/** For people by its name, and unlike any other by what is unlike. (SPDX 2.3, 7.2: letters, digits, '.' and '-') */
function idOf(name: string, unlike: string): string {
  const legible = name.slice(0, 60).replace(/[^A-Za-z0-9.]+/g, '-')
  return `SPDXRef-${legible}-${createHash('sha256').update(unlike).digest('hex').slice(0, 16)}`
}
