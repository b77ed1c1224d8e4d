import { describe, expect, it } from 'vitest'
import { digestOf } from '../../src/oci/digest.ts'
import { parseDocument, writeManifest } from '../../src/oci/manifest.ts'
import * as types from '../../src/oci/media-types.ts'
import type { Document } from '../../src/oci/source.ts'

const A = `sha256:${'a'.repeat(64)}` as const
const B = `sha256:${'b'.repeat(64)}` as const
const CONFIG = { mediaType: types.OCI_CONFIG, digest: A, size: 10 }
const LAYER = { mediaType: types.OCI_LAYER_GZIP, digest: B, size: 20 }
const MANIFEST = { schemaVersion: 2, mediaType: types.OCI_MANIFEST, config: CONFIG, layers: [LAYER] }
const ENTRY = { mediaType: types.OCI_MANIFEST, digest: A, size: 30, platform: { os: 'linux', architecture: 'arm64' } }
const INDEX = { schemaVersion: 2, mediaType: types.OCI_INDEX, manifests: [ENTRY] }

function document(value: unknown, mediaType = ''): Document {
  const bytes = Buffer.from(typeof value === 'string' ? value : JSON.stringify(value))
  return { mediaType, digest: digestOf(bytes), bytes }
}

describe('a manifest', () => {
  it('is read with its config, layers and annotations', () => {
    const parsed = parseDocument(document({ ...MANIFEST, annotations: { a: 'b' } }, types.OCI_MANIFEST))
    expect(parsed).toEqual({
      kind: 'manifest',
      mediaType: types.OCI_MANIFEST,
      config: CONFIG,
      layers: [LAYER],
      annotations: { a: 'b' },
    })
  })

  it.each([
    [
      'Docker types',
      {
        ...MANIFEST,
        mediaType: types.DOCKER_MANIFEST,
        config: { ...CONFIG, mediaType: types.DOCKER_CONFIG },
        layers: [{ ...LAYER, mediaType: types.DOCKER_LAYER_GZIP }],
      },
    ],
    ['no layers, as Go writes it', { ...MANIFEST, layers: null }],
    ['no mediaType of its own', { schemaVersion: 2, config: CONFIG, layers: [] }],
    ['an empty list of urls', { ...MANIFEST, layers: [{ ...LAYER, urls: [] }] }],
    ['a subject', { ...MANIFEST, subject: ENTRY }],
    ['zstd', { ...MANIFEST, layers: [{ ...LAYER, mediaType: types.OCI_LAYER_ZSTD }] }],
    [
      'the config type of Docker 1.10',
      { ...MANIFEST, mediaType: types.DOCKER_MANIFEST, config: { ...CONFIG, mediaType: 'application/octet-stream' } },
    ],
  ])('may have %s', (_, value) => {
    expect(parseDocument(document(value)).kind).toBe('manifest')
  })

  it.each(['', 'application/json', `${types.OCI_MANIFEST}; charset=utf-8`])('may come with the header %j', (header) => {
    expect(parseDocument(document(MANIFEST, header)).mediaType).toBe(types.OCI_MANIFEST)
  })

  it.each([
    [
      'both layers and manifests',
      { ...MANIFEST, manifests: [] },
      'MANIFEST_INVALID',
      "is a manifest by its media type and has 'manifests'",
    ],
    ['schema 1', { schemaVersion: 1, fsLayers: [] }, 'MANIFEST_UNSUPPORTED', 'is Docker schema 1'],
    [
      'no schemaVersion',
      { ...MANIFEST, schemaVersion: undefined },
      'MANIFEST_INVALID',
      'schemaVersion is absent; wanted 2.',
    ],
    [
      'an unknown type',
      { ...MANIFEST, mediaType: 'application/vnd.oci.empty.v1+json' },
      'MANIFEST_UNSUPPORTED',
      'has the media type',
    ],
    ['no config', { ...MANIFEST, config: undefined }, 'MANIFEST_INVALID', 'config is absent; wanted a descriptor.'],
    [
      'no layers field',
      { ...MANIFEST, layers: undefined },
      'MANIFEST_INVALID',
      'layers is absent; wanted a list of descriptors.',
    ],
    [
      'an artifact type',
      { ...MANIFEST, artifactType: 'text/x' },
      'MANIFEST_UNSUPPORTED',
      'is no image but an artifact: "text/x"',
    ],
    [
      'a config of another type',
      { ...MANIFEST, config: { ...CONFIG, mediaType: 'application/vnd.cncf.helm.config.v1+json' } },
      'MANIFEST_UNSUPPORTED',
      'is no image but an artifact',
    ],
    [
      'a config of 5 MiB',
      { ...MANIFEST, config: { ...CONFIG, size: 5 << 20 } },
      'MANIFEST_INVALID',
      'config.size is 5242880; wanted at most 4194304 bytes',
    ],
    [
      'a foreign layer',
      { ...MANIFEST, layers: [{ ...LAYER, mediaType: 'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip' }] },
      'MANIFEST_UNSUPPORTED',
      'layers[0] is a foreign layer',
    ],
    [
      'a nondistributable layer',
      {
        ...MANIFEST,
        layers: [LAYER, { ...LAYER, mediaType: 'application/vnd.oci.image.layer.nondistributable.v1.tar' }],
      },
      'MANIFEST_UNSUPPORTED',
      'layers[1] is a foreign layer',
    ],
    [
      'an encrypted layer',
      { ...MANIFEST, layers: [{ ...LAYER, mediaType: `${types.OCI_LAYER_GZIP}+encrypted` }] },
      'MANIFEST_UNSUPPORTED',
      'is an encrypted layer',
    ],
    [
      'an unknown compression',
      { ...MANIFEST, layers: [{ ...LAYER, mediaType: `${types.OCI_LAYER_TAR}+br` }] },
      'MANIFEST_UNSUPPORTED',
      'is no image layer that ocibake reads',
    ],
    [
      'urls',
      { ...MANIFEST, layers: [{ ...LAYER, urls: ['http://169.254.169.254/'] }] },
      'MANIFEST_UNSUPPORTED',
      'layers[0] is to be fetched from 1 URLs of its own',
    ],
    [
      'a negative size',
      { ...MANIFEST, layers: [{ ...LAYER, size: -1 }] },
      'MANIFEST_INVALID',
      'layers[0].size is -1; wanted a whole number of bytes.',
    ],
    [
      'a fraction as size',
      { ...MANIFEST, layers: [{ ...LAYER, size: 1.5 }] },
      'MANIFEST_INVALID',
      'layers[0].size is 1.5',
    ],
    [
      'a size as text',
      { ...MANIFEST, layers: [{ ...LAYER, size: '20' }] },
      'MANIFEST_INVALID',
      'layers[0].size is "20"',
    ],
    [
      'a size beyond 2^53',
      JSON.stringify(MANIFEST).replace('"size":20', '"size":9007199254740993'),
      'MANIFEST_INVALID',
      'layers[0].size is',
    ],
    [
      'no size',
      { ...MANIFEST, layers: [{ ...LAYER, size: undefined }] },
      'MANIFEST_INVALID',
      'layers[0].size is absent',
    ],
    [
      'a digest that is a path',
      { ...MANIFEST, layers: [{ ...LAYER, digest: 'sha256:../../etc/passwd' }] },
      'MANIFEST_UNSUPPORTED',
      "layers[0].digest has the digest 'sha256:../../etc/passwd'",
    ],
    [
      'an upper-case digest',
      { ...MANIFEST, config: { ...CONFIG, digest: A.toUpperCase() } },
      'MANIFEST_UNSUPPORTED',
      'config.digest has the digest',
    ],
    [
      'names in another case',
      { ...MANIFEST, Layers: [] },
      'MANIFEST_INVALID',
      'has the name "Layers"; wanted \'layers\'.',
    ],
    ['a name twice', '{"schemaVersion":2,"schemaVersion":2}', 'MANIFEST_INVALID', 'twice in one object'],
    [
      'a layer that is none',
      { ...MANIFEST, layers: ['x'] },
      'MANIFEST_INVALID',
      'layers is ["x"]; wanted a list of objects.',
    ],
    [
      'annotations that are none',
      { ...MANIFEST, annotations: { a: 1 } },
      'MANIFEST_INVALID',
      'annotations is {"a":1}; wanted an object of strings.',
    ],
  ])('is refused with %s', (_, value, code, message) => {
    const bad = document(value)
    expect(() => parseDocument(bad)).toThrow(expect.objectContaining({ code }))
    expect(() => parseDocument(bad)).toThrow(message)
    expect(() => parseDocument(bad)).toThrow(bad.digest)
  })
})

describe('the media type of a document', () => {
  it.each([
    ['header and body', document(MANIFEST, types.DOCKER_MANIFEST), undefined],
    ['header and descriptor', document({ ...MANIFEST, mediaType: undefined }, types.OCI_MANIFEST), types.OCI_INDEX],
    ['body and descriptor', document(MANIFEST), types.DOCKER_MANIFEST],
  ])('must be the same in %s', (_, bad, mediaType) => {
    const descriptor = mediaType === undefined ? undefined : { mediaType, digest: bad.digest, size: bad.bytes.length }
    expect(() => parseDocument(bad, descriptor)).toThrow(expect.objectContaining({ code: 'MANIFEST_INVALID' }))
    expect(() => parseDocument(bad, descriptor)).toThrow('has two media types')
  })
})

describe('an index', () => {
  it('is read with the platforms of its manifests', () => {
    expect(parseDocument(document(INDEX))).toEqual({ kind: 'index', mediaType: types.OCI_INDEX, manifests: [ENTRY] })
  })

  it('is read without the entries that are no images', () => {
    const other = { ...ENTRY, mediaType: 'application/vnd.example.sbom' }
    expect(parseDocument(document({ ...INDEX, manifests: [other, ENTRY] }))).toMatchObject({ manifests: [ENTRY] })
  })

  it.each([
    ['layers', { ...INDEX, layers: [LAYER] }, 'MANIFEST_INVALID', "is an index by its media type and has 'layers'"],
    [
      'another index in it',
      { ...INDEX, manifests: [{ ...ENTRY, mediaType: types.DOCKER_LIST }] },
      'MANIFEST_UNSUPPORTED',
      `holds another index, ${A}`,
    ],
    [
      '1001 entries',
      { ...INDEX, manifests: Array(1001).fill(ENTRY) },
      'MANIFEST_UNSUPPORTED',
      'has 1001 entries; at most 1000 are read.',
    ],
    ['no manifests field', { ...INDEX, manifests: undefined }, 'MANIFEST_INVALID', 'manifests is absent'],
    [
      'a manifest of 5 MiB',
      { ...INDEX, manifests: [{ ...ENTRY, size: 5 << 20 }] },
      'MANIFEST_INVALID',
      'manifests[0].size is 5242880',
    ],
    [
      'an entry with urls',
      { ...INDEX, manifests: [{ ...ENTRY, urls: ['https://x/'] }] },
      'MANIFEST_UNSUPPORTED',
      'URLs of its own',
    ],
  ])('is refused with %s', (_, value, code, message) => {
    expect(() => parseDocument(document(value))).toThrow(expect.objectContaining({ code }))
    expect(() => parseDocument(document(value))).toThrow(message)
  })
})

describe('writing a manifest', () => {
  it('gives the same bytes whatever the order of the annotations', () => {
    const parts = { config: CONFIG, layers: [LAYER], mediaTypes: 'oci' } as const
    const one = writeManifest({ ...parts, annotations: { a: '1', b: '2' } })
    const two = writeManifest({ ...parts, annotations: { b: '2', a: '1' } })
    expect(two).toEqual(one)
    expect(one.bytes.toString()).toBe(
      `{"schemaVersion":2,"mediaType":"${types.OCI_MANIFEST}","config":{"mediaType":"${types.OCI_CONFIG}","digest":"${A}","size":10},"layers":[{"mediaType":"${types.OCI_LAYER_GZIP}","digest":"${B}","size":20}],"annotations":{"a":"1","b":"2"}}`,
    )
  })

  it.each(['oci', 'docker'] as const)('translates the types to %s and is read back', (mediaTypes) => {
    const layers = [
      LAYER,
      { ...LAYER, mediaType: types.DOCKER_LAYER_TAR },
      { ...LAYER, mediaType: types.OCI_LAYER_ZSTD },
    ]
    const written = writeManifest({ config: CONFIG, layers, annotations: {}, mediaTypes })
    const family = mediaTypes === 'oci' ? /vnd\.oci/ : /vnd\.docker/
    const parsed = parseDocument(written)
    expect(parsed).toMatchObject({ kind: 'manifest', mediaType: expect.stringMatching(family) })
    if (parsed.kind !== 'manifest') throw new Error('no manifest')
    for (const { mediaType } of [parsed.config, ...parsed.layers]) expect(mediaType).toMatch(family)
    expect(parsed.layers.map((layer) => layer.mediaType.replace(/.*tar[.+]?/, ''))).toEqual(['gzip', '', 'zstd'])
  })
})
