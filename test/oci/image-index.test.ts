import { describe, expect, it } from 'vitest'
import { digestOf } from '../../src/oci/digest.ts'
import type { Image } from '../../src/oci/image.ts'
import { writeIndex } from '../../src/oci/image-index.ts'
import { parseDocument } from '../../src/oci/manifest.ts'
import * as types from '../../src/oci/media-types.ts'

const manifestOf = (mediaType: string, text: string) => {
  const bytes = Buffer.from(text)
  return { manifest: { mediaType, digest: digestOf(bytes), bytes } } as Image
}
const entries = (mediaType: string) => [
  { platform: { os: 'linux', architecture: 'amd64' }, image: manifestOf(mediaType, 'one') },
  { platform: { os: 'linux', architecture: 'arm', variant: 'v7' }, image: manifestOf(mediaType, 'other') },
]

describe('writing an index', () => {
  it('gives the same bytes whatever the order of the annotations', () => {
    const parts = { entries: entries(types.OCI_MANIFEST), mediaTypes: 'oci' } as const
    const one = writeIndex({ ...parts, annotations: { a: '1', b: '2' } })
    expect(writeIndex({ ...parts, annotations: { b: '2', a: '1' } })).toEqual(one)
    const [a, b] = parts.entries.map(({ image }) => image.manifest.digest)
    expect(one.document.bytes.toString()).toBe(
      `{"schemaVersion":2,"mediaType":"${types.OCI_INDEX}","manifests":[` +
        `{"mediaType":"${types.OCI_MANIFEST}","digest":"${a}","size":3,"platform":{"architecture":"amd64","os":"linux"}},` +
        `{"mediaType":"${types.OCI_MANIFEST}","digest":"${b}","size":5,"platform":{"architecture":"arm","os":"linux","variant":"v7"}}` +
        `],"annotations":{"a":"1","b":"2"}}`,
    )
    expect(one.document.digest).toBe(digestOf(one.document.bytes))
  })

  it.each([
    ['oci', types.OCI_INDEX, types.OCI_MANIFEST],
    ['docker', types.DOCKER_LIST, types.DOCKER_MANIFEST],
  ] as const)('is read back with the types of %s', (mediaTypes, index, manifest) => {
    const { document } = writeIndex({ entries: entries(manifest), annotations: { a: '1' }, mediaTypes })
    const parsed = parseDocument(document)
    expect(parsed).toMatchObject({ kind: 'index', mediaType: index, manifests: [{ size: 3 }, { size: 5 }] })
    expect(document.bytes.includes('annotations')).toBe(mediaTypes === 'oci')
  })
})
