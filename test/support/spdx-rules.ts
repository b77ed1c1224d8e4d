/** A document as `JSON.parse` gives it. */
// biome-ignore lint/suspicious/noExplicitAny: what it is, is what these rules find out
type Json = any

const ID = /^SPDXRef-[A-Za-z0-9.-]+$/
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/
const PARTY = /^(NOASSERTION|(Person|Organization): [^()]+( \([^\s()]+\))?)$/
const PURL = /^pkg:[a-z]+(\/[\w.~:%-]+)+(@[\w.~:%-]+)?(\?[a-z_]+=[\w.~:%-]+(&[a-z_]+=[\w.~:%-]+)*)?$/
const PURPOSES = ['CONTAINER', 'ARCHIVE']
const TYPES = ['DESCRIBES', 'DESCENDANT_OF', 'GENERATED_FROM', 'CONTAINS']
const PACKAGE_FIELDS = [
  ...['SPDXID', 'name', 'versionInfo', 'downloadLocation', 'supplier', 'sourceInfo', 'filesAnalyzed', 'checksums'],
  ...['licenseConcluded', 'licenseDeclared', 'copyrightText', 'externalRefs', 'primaryPackagePurpose'],
]

/**
 * What is wrong with a document by SPDX 2.3: its text, and its JSON schema as far as we use it. None: an empty list.
 */
export function spdxFaults(document: Json): string[] {
  const faults: string[] = []
  const check = (isRight: boolean, fault: string) => void (isRight || faults.push(fault))
  check(document.spdxVersion === 'SPDX-2.3', 'spdxVersion')
  check(document.dataLicense === 'CC0-1.0', 'dataLicense')
  check(document.SPDXID === 'SPDXRef-DOCUMENT', 'SPDXID of the document')
  check(isText(document.name), 'name of the document')
  const { documentNamespace: namespace, creationInfo, packages, relationships, annotations = [] } = document
  check(URL.canParse(namespace) && !namespace.includes('#'), `documentNamespace ${namespace}`)
  check(TIME.test(creationInfo.created), `created ${creationInfo.created}`)
  check(/^Tool: \S+-\S+$/.test(creationInfo.creators), `creators ${creationInfo.creators}`)
  for (const one of packages) for (const fault of packageFaults(one)) faults.push(`${one.SPDXID}: ${fault}`)
  for (const { annotationDate, annotationType, annotator, comment } of annotations) {
    const isRight = TIME.test(annotationDate) && annotationType === 'OTHER' && /^Tool: /.test(annotator)
    check(isRight && isText(comment), `annotation ${comment}`)
  }
  const ids: string[] = [document.SPDXID, ...packages.map(({ SPDXID }: Json) => SPDXID)]
  check(new Set(ids).size === ids.length, 'ids are there twice')
  const reached = new Set([document.SPDXID])
  for (const { spdxElementId: from, relationshipType: type, relatedSpdxElement: to } of relationships) {
    check(ids.includes(from) && ids.includes(to) && TYPES.includes(type), `relationship ${from} ${type} ${to}`)
    reached.add(to)
  }
  for (const id of ids) check(reached.has(id), `nothing leads to ${id}`)
  return faults
}

function packageFaults(one: Json): string[] {
  const {
    SPDXID,
    name,
    versionInfo,
    downloadLocation,
    filesAnalyzed,
    supplier,
    checksums = [],
    externalRefs = [],
  } = one
  const isRight: Record<string, boolean> = {
    SPDXID: ID.test(SPDXID),
    name: isText(name),
    versionInfo: versionInfo === undefined || isText(versionInfo),
    downloadLocation: downloadLocation === 'NOASSERTION' || URL.canParse(downloadLocation),
    // Without it, a verification code of all files would have to be there.
    filesAnalyzed: filesAnalyzed === false,
    supplier: supplier === undefined || PARTY.test(supplier),
    primaryPackagePurpose: one.primaryPackagePurpose === undefined || PURPOSES.includes(one.primaryPackagePurpose),
    licenses: isText(one.licenseConcluded) && isText(one.licenseDeclared) && isText(one.copyrightText),
    fields: Object.keys(one).every((field) => PACKAGE_FIELDS.includes(field)),
    checksums: checksums.every(
      ({ algorithm, checksumValue }: Json) => algorithm === 'SHA256' && /^[0-9a-f]{64}$/.test(checksumValue),
    ),
    externalRefs: externalRefs.every(
      ({ referenceCategory, referenceType, referenceLocator }: Json) =>
        referenceCategory === 'PACKAGE-MANAGER' && referenceType === 'purl' && PURL.test(referenceLocator),
    ),
  }
  return Object.keys(isRight).filter((rule) => !isRight[rule])
}

const isText = (value: unknown) => typeof value === 'string' && value.trim() !== ''
