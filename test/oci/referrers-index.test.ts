import { describe, expect, it } from 'vitest'
import { digestOf } from '../../src/oci/digest.ts'
import { OCI_INDEX, OCI_MANIFEST } from '../../src/oci/media-types.ts'
import { withReferrer } from '../../src/oci/referrers-index.ts'

const entry = (text: string, kind = 'ours') => ({
  mediaType: OCI_MANIFEST,
  digest: digestOf(text),
  size: text.length,
  artifactType: 'application/x',
  annotations: { kind },
})
const index = (fields: object, mediaType = OCI_INDEX) => {
  const bytes = Buffer.from(JSON.stringify(fields))
  return { mediaType, digest: digestOf(bytes), bytes }
}
const isOurs = (other: { readonly annotations?: unknown }) => JSON.stringify(other.annotations) === '{"kind":"ours"}'
const read = (document: ReturnType<typeof withReferrer>) => JSON.parse(document!.bytes.toString())

describe('a list of referrers', () => {
  it('begins with the first', () => {
    const made = withReferrer(undefined, entry('a'), isOurs)
    expect(read(made)).toEqual({ schemaVersion: 2, mediaType: OCI_INDEX, manifests: [entry('a')] })
    expect(made).toMatchObject({ mediaType: OCI_INDEX, digest: digestOf(made!.bytes) })
  })

  it('keeps what others have put there, whatever that is, and replaces what is ours', () => {
    const strange = { ...entry('b', 'theirs'), urls: ['x'], platform: null, 'x-unknown': [1] }
    const before = index({ schemaVersion: 2, annotations: { a: 'b' }, manifests: [entry('a'), strange, {}] })
    const made = withReferrer(before, entry('c'), isOurs)
    expect(read(made)).toMatchObject({ annotations: { a: 'b' }, manifests: [strange, {}, entry('c')] })
  })

  it('need not be written where the entry is', () => {
    const made = withReferrer(undefined, entry('a'), isOurs)
    expect(withReferrer(made, entry('a'), isOurs)).toBeUndefined()
    const twice = index({ manifests: [entry('a'), entry('a')] })
    expect(read(withReferrer(twice, entry('a'), isOurs)).manifests).toEqual([entry('a')])
  })

  it.each([
    ['an image', index({ mediaType: OCI_MANIFEST, layers: [] })],
    ['an image, by its header', index({ layers: [] }, OCI_MANIFEST)],
    ['a list of texts', index({ manifests: ['x'] })],
    ['no list', index({ manifests: {} })],
    ['no object', index([])],
  ])('is not %s', (_, document) => {
    expect(() => withReferrer(document, entry('a'), isOurs)).toThrow(
      expect.objectContaining({ code: 'MANIFEST_INVALID' }),
    )
  })
})
