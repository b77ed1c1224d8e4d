import fc from 'fast-check'
import { expect, test } from 'vitest'
import { OcibakeError } from '../../src/errors.ts'
import { parseConfig, writeConfig } from '../../src/oci/config.ts'
import { digestOf } from '../../src/oci/digest.ts'
import { readJsonObject } from '../../src/oci/json.ts'
import { chooseEntry, parseLayoutIndex } from '../../src/oci/layout-index.ts'
import { parseDocument, writeManifest } from '../../src/oci/manifest.ts'
import * as types from '../../src/oci/media-types.ts'
import type { Document } from '../../src/oci/source.ts'
import { damages } from '../support/damage.ts'
import { fuzz, orRefused } from '../support/fuzz.ts'

const DIGEST = `sha256:${'a'.repeat(64)}` as const
const CONFIG = { mediaType: types.OCI_CONFIG, digest: DIGEST, size: 10 }
const LAYER = { mediaType: types.OCI_LAYER_GZIP, digest: DIGEST, size: 20, annotations: { a: 'b' } }
const PLATFORM = { os: 'linux', architecture: 'arm', variant: 'v7' }
const MANIFEST = { schemaVersion: 2, mediaType: types.OCI_MANIFEST, config: CONFIG, layers: [LAYER, LAYER] }
const ENTRY = { mediaType: types.OCI_MANIFEST, digest: DIGEST, size: 30, platform: PLATFORM }
const INDEX = { schemaVersion: 2, mediaType: types.OCI_INDEX, manifests: [ENTRY, { ...ENTRY, size: 31 }] }
const RUN = {
  User: '0:0',
  ExposedPorts: { '80/tcp': {} },
  Env: ['A=b'],
  Cmd: ['/x'],
  Labels: { a: 'b' },
  Healthcheck: { Test: ['NONE'], Interval: 1 },
}
const IMAGE_CONFIG = {
  created: '2020-01-01T00:00:00Z',
  architecture: 'amd64',
  os: 'linux',
  config: RUN,
  rootfs: { type: 'layers', diff_ids: [DIGEST] },
  history: [{ created_by: 'x' }, { empty_layer: true }],
}

/** Names and values that mean something somewhere, in places where they do not belong. */
const NAMES = [
  'config',
  'layers',
  'manifests',
  'Manifests',
  'mediaType',
  'digest',
  'size',
  'urls',
  'platform',
  'rootfs',
]
const OTHERS = ['diff_ids', 'history', 'os', 'Env', 'fsLayers', '__proto__', 'constructor', 'toString', 'annotations']
const VALUES = [
  null,
  -1,
  1.5,
  Number.MAX_VALUE,
  2 ** 53,
  '',
  '\0',
  'sha256:x',
  DIGEST,
  types.OCI_INDEX,
  [],
  {},
  [null],
  [[]],
  true,
]
const value = fc.oneof(fc.constantFrom<unknown>(...VALUES, CONFIG, LAYER, INDEX, MANIFEST), fc.jsonValue())
const change = fc.tuple(fc.constantFrom(...NAMES, ...OTHERS), value, fc.nat(20))

/** The document with some fields replaced, each in an object of its own choice. */
function changed(document: object, changes: readonly [string, unknown, number][]): string {
  const copy = JSON.parse(JSON.stringify(document)) as object
  for (const [name, put, where] of changes) {
    const objects: Record<string, unknown>[] = []
    const visit = (one: unknown) => {
      if (typeof one !== 'object' || one === null) return
      if (!Array.isArray(one)) objects.push(one as Record<string, unknown>)
      for (const inner of Object.values(one)) visit(inner)
    }
    visit(copy)
    const field = { value: structuredClone(put), enumerable: true, configurable: true, writable: true }
    Object.defineProperty(objects[where % objects.length]!, name, field)
  }
  return JSON.stringify(copy)
}

const wrong = (...documents: object[]) =>
  fc.oneof(
    fc.tuple(fc.constantFrom(...documents), fc.array(change, { minLength: 1, maxLength: 3 })).map(([one, changes]) => {
      return Buffer.from(changed(one, changes))
    }),
    fc.tuple(fc.constantFrom(...documents), damages()).map(([one, spoil]) => spoil(Buffer.from(JSON.stringify(one)))),
    fc.json().map((text) => Buffer.from(text)),
  )
const documentOf = (bytes: Buffer, mediaType: string): Document => ({ bytes, mediaType, digest: digestOf(bytes) })

test('a manifest or index of any kind is read or refused, and what is read has what a build relies on', () => {
  const header = fc.constantFrom('', types.OCI_MANIFEST, types.OCI_INDEX, types.DOCKER_MANIFEST, 'text/html')
  fc.assert(
    fc.property(wrong(MANIFEST, INDEX), header, (bytes, mediaType) => {
      const read = () => parseDocument(documentOf(bytes, mediaType))
      const parsed = orRefused(['MANIFEST_INVALID', 'MANIFEST_UNSUPPORTED'], read)
      if (parsed instanceof OcibakeError) return
      const all = parsed.kind === 'index' ? parsed.manifests : [parsed.config, ...parsed.layers]
      for (const { digest, size, mediaType: type } of all) {
        expect(digest).toMatch(/^sha256:[0-9a-f]{64}$/)
        expect(Number.isSafeInteger(size) && size >= 0).toBe(true)
        expect(typeof type).toBe('string')
      }
      // Nothing that is one kind to us is another to somebody else.
      const object = JSON.parse(bytes.toString()) as Record<string, unknown>
      const other = parsed.kind === 'index' ? ['layers', 'config'] : ['manifests']
      for (const name of other) expect(object[name] ?? undefined).toBeUndefined()
    }),
    fuzz(500),
  )
})

test('a manifest that is written is read as its parts', () => {
  const text = fc.string({ unit: 'binary', maxLength: 20 }).filter((one) => !one.includes('\0') && one.isWellFormed())
  const digest = fc.stringMatching(/^[0-9a-f]{64}$/).map((hex) => `sha256:${hex}` as const)
  const size = fc.nat(2 ** 22)
  const layer = fc.record({
    mediaType: fc.constantFrom(types.OCI_LAYER_TAR, types.OCI_LAYER_GZIP, types.OCI_LAYER_ZSTD),
    digest,
    size,
  })
  const annotations = fc.dictionary(text, text, { noNullPrototype: true })
  fc.assert(
    fc.property(fc.record({ digest, size }), fc.array(layer), annotations, (config, layers, noted) => {
      const parts = { config: { mediaType: types.OCI_CONFIG, ...config }, layers, annotations: noted }
      const parsed = parseDocument(writeManifest({ ...parts, mediaTypes: 'oci' }))
      expect(parsed).toEqual({ kind: 'manifest', mediaType: types.OCI_MANIFEST, ...parts })
    }),
    fuzz(200),
  )
})

test('a config of any kind is read or refused, and is the same after it was written and read', () => {
  let count = 0
  fc.assert(
    fc.property(wrong(IMAGE_CONFIG), (bytes) => {
      const config = orRefused(['CONFIG_INVALID', 'MANIFEST_UNSUPPORTED'], () => parseConfig(bytes, 'config'))
      if (config instanceof OcibakeError) return
      count++
      expect(config.rootfs.diff_ids.every((id) => /^sha256:[0-9a-f]{64}$/.test(id))).toBe(true)
      const written = writeConfig(config)
      const again = parseConfig(written, 'config')
      expect(again).toEqual(config)
      expect(writeConfig(again).equals(written)).toBe(true)
    }),
    fuzz(500),
  )
  expect(count).toBeGreaterThan(20)
})

test('an index of a layout is read or refused, with or without a tag', () => {
  const tag = fc.constantFrom(undefined, 'v1', '')
  fc.assert(
    fc.property(wrong(INDEX), tag, (bytes, wanted) => {
      orRefused(['LAYOUT_INVALID', 'BASE_NOT_FOUND', 'MANIFEST_UNSUPPORTED'], () =>
        chooseEntry(parseLayoutIndex(bytes, 'index.json').entries, wanted, 'oci:x'),
      )
    }),
    fuzz(300),
  )
})

test('JSON that is read is what JSON.parse reads, and no name comes twice', () => {
  const twice = fc.tuple(fc.string(), fc.jsonValue(), fc.jsonValue()).map(([name, a, b]) => {
    const pair = (one: unknown) => `${JSON.stringify(name)}:${JSON.stringify(one)}`
    return `{"x":[{${pair(a)},"y":1,${pair(b)}}]}`
  })
  fc.assert(
    fc.property(twice, (text) => {
      expect(() => readJsonObject(Buffer.from(text), 'it', 'CONFIG_INVALID')).toThrow('twice in one object')
    }),
    fuzz(100),
  )
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 5 })), (object) => {
      const bytes = Buffer.from(JSON.stringify(object))
      expect(readJsonObject(bytes, 'it', 'CONFIG_INVALID')).toEqual(JSON.parse(bytes.toString()))
    }),
    fuzz(200),
  )
})
