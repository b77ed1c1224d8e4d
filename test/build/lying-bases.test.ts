import { join } from 'node:path'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import { expect, onTestFinished, test, vi } from 'vitest'
import { openBase } from '../../src/build/open-base.ts'
import { type Digest, digestOf } from '../../src/oci/digest.ts'
import * as types from '../../src/oci/media-types.ts'
import { parseReference } from '../../src/oci/reference.ts'
import { testFolder } from '../support/folder.ts'
import { archive, rawMember } from '../support/raw-tar.ts'
import { testConnection } from '../support/registry-image.ts'
import { startScriptedServer } from '../support/scripted-server.ts'
import { filesOf, testStore } from '../support/store.ts'

const { signal } = new AbortController()
const platform = { os: 'linux', architecture: 'amd64' }
const TARS = ['lower', 'upper'].map((name) => archive(rawMember({ name }, name)))
const OTHER: Digest = digestOf('other')

interface Json {
  [name: string]: unknown
}
const json = (value: unknown) => (Buffer.isBuffer(value) ? value : Buffer.from(JSON.stringify(value)))
const describe = (bytes: Buffer, mediaType: string): Json => ({
  mediaType,
  digest: digestOf(bytes),
  size: bytes.length,
})

/** Everything that an image is made of, before somebody lies about it; what is left out follows from the rest. */
interface Parts {
  layers: Buffer[]
  config: Json | Buffer
  descriptors?: Json[]
  configDescriptor?: Json
  manifest?: Json
  index?: Json
}
const honest = (): Parts => ({
  layers: TARS.map((tar) => gzipSync(tar)),
  config: { ...platform, rootfs: { type: 'layers', diff_ids: TARS.map((tar) => digestOf(tar)) } },
})
const configOf = (parts: Parts) => parts.config as Json & { rootfs: { diff_ids: unknown[] } }
const layerTypes = (parts: Parts) => parts.layers.map((layer) => describe(layer, types.OCI_LAYER_GZIP))
/** The layers' descriptors, the first of them changed. */
const firstLayer = (parts: Parts, change: Json) =>
  layerTypes(parts).map((layer, i) => (i === 0 ? { ...layer, ...change } : layer))

/** A registry with such an image as `team/app:1`, a store, and which blobs it was asked for. */
async function scene(lie: (parts: Parts) => Partial<Parts>) {
  const parts = { ...honest(), ...lie(honest()) }
  const config = json(parts.config)
  const manifest = json({
    schemaVersion: 2,
    mediaType: types.OCI_MANIFEST,
    config: parts.configDescriptor ?? describe(config, types.OCI_CONFIG),
    layers: parts.descriptors ?? layerTypes(parts),
    ...parts.manifest,
  })
  const entry = { ...describe(manifest, types.OCI_MANIFEST), platform, ...parts.index }
  const index = json({ schemaVersion: 2, mediaType: types.OCI_INDEX, manifests: [entry] })
  const top = parts.index === undefined ? manifest : index
  const held = new Map([config, manifest, ...parts.layers].map((bytes) => [digestOf(bytes) as string, bytes]))
  // A registry that knows what is asked for by the wrong name, too.
  const [wrong] = parts.layers
  const server = await startScriptedServer(({ path }, response) => {
    const name = path.split('/').at(-1)!
    const isBlob = path.includes('/blobs/')
    const found = name === '1' ? top : (held.get(name) ?? (isBlob ? wrong! : manifest))
    const type = isBlob ? 'application/octet-stream' : found === index ? types.OCI_INDEX : types.OCI_MANIFEST
    response.writeHead(200, { 'Content-Type': type, 'Content-Length': found.length }).end(found)
  })
  const { connection } = testConnection()
  onTestFinished(async () => {
    connection.close()
    await server.stop()
  })
  const root = join(await testFolder(), 'store')
  const store = await testStore(root)
  const reference = parseReference(`${server.host}/team/app:1`)
  const options = { platform, store, connection, env: {}, report: connection.report, signal }
  const tree = async () => {
    const base = await openBase({ kind: 'docker', reference }, options)
    return await base.tree()
  }
  const blobs = () => server.seen.filter(({ path }) => path.includes('/blobs/')).length
  const resolved = () => server.seen.filter(({ path }) => path.endsWith('/manifests/1')).length
  return { tree, blobs, resolved, root }
}

test.each<[string, (parts: Parts) => Partial<Parts>]>([
  ['as it should be', () => ({})],
  ['in an index', () => ({ index: {} })],
  ['with zstd that is called gzip', () => ({ layers: TARS.map((tar) => zstdCompressSync(tar)) })],
  ['with plain layers that are called gzip', () => ({ layers: [...TARS] })],
  ['whose history agrees', (parts) => ({ config: { ...configOf(parts), history: [{}, { empty_layer: true }, {}] } })],
])('a base is read %s, and what its tag means is asked once', async (_, lie) => {
  const { tree, resolved } = await scene(lie)
  expect([...(await tree()).children.keys()].sort()).toEqual(['lower', 'upper'])
  expect(resolved()).toBe(1)
})

test('an empty blob is a layer of nothing', async () => {
  const empty = Buffer.alloc(0)
  const rootfs = { type: 'layers', diff_ids: [digestOf(empty)] }
  const { tree } = await scene(() => ({ layers: [empty], config: { ...platform, rootfs } }))
  expect((await tree()).children.size).toBe(0)
})

const FEWER = /has 1 diff_ids; its manifest has 2 layers/
/** How many blobs are asked for before it is refused: none, the config, or the layers too. */
test.each<[string, (parts: Parts) => Partial<Parts>, number, string, RegExp]>([
  ['is no JSON', () => ({ manifest: undefined, config: Buffer.from('<html>') }), 1, 'CONFIG_INVALID', /is not JSON/],
  ['has a list for a config', () => ({ config: json([]) }), 1, 'CONFIG_INVALID', /wanted a JSON object/],
  ['has a manifest for a config', () => ({ config: { schemaVersion: 2, layers: [] } }), 1, 'CONFIG_INVALID', /rootfs/],
  [
    'has a config that is an artifact',
    () => ({ configDescriptor: describe(Buffer.from('{}'), 'application/vnd.cncf.helm.config.v1+json') }),
    0,
    'MANIFEST_UNSUPPORTED',
    /no image but an artifact/,
  ],
  [
    'says that its config is huge',
    ({ config }) => ({ configDescriptor: { ...describe(json(config), types.OCI_CONFIG), size: 2 ** 30 } }),
    0,
    'MANIFEST_INVALID',
    /size is 1073741824; wanted at most 4194304/,
  ],
  [
    'says that its config is shorter',
    ({ config }) => ({ configDescriptor: { ...describe(json(config), types.OCI_CONFIG), size: 10 } }),
    1,
    'BLOB_MISMATCH',
    /descriptor says 10/,
  ],
  [
    'has another config than it says',
    ({ config }) => ({ configDescriptor: { ...describe(json(config), types.OCI_CONFIG), digest: OTHER } }),
    1,
    'BLOB_MISMATCH',
    /./,
  ],
  [
    'has fewer diff_ids than layers',
    (parts) => ({ config: { ...configOf(parts), rootfs: { type: 'layers', diff_ids: [OTHER] } } }),
    1,
    'CONFIG_INVALID',
    FEWER,
  ],
  [
    'has more diff_ids than layers',
    (parts) => ({ descriptors: layerTypes(parts).slice(1) }),
    1,
    'CONFIG_INVALID',
    /has 2 diff_ids; its manifest has 1 layers/,
  ],
  [
    'has a history of other layers',
    (parts) => ({ config: { ...configOf(parts), history: [{}, {}, {}] } }),
    1,
    'CONFIG_INVALID',
    /history/,
  ],
  [
    'has a diff_id that is a path',
    (parts) => ({ config: { ...configOf(parts), rootfs: { type: 'layers', diff_ids: ['../../etc', OTHER] } } }),
    1,
    'CONFIG_INVALID',
    /diff_ids is .*; wanted a list of 'sha256:'/,
  ],
  [
    'has a foreign layer',
    (parts) => ({
      descriptors: firstLayer(parts, { mediaType: 'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip' }),
    }),
    0,
    'MANIFEST_UNSUPPORTED',
    /foreign layer/,
  ],
  [
    'has a layer with an address of its own',
    (parts) => ({ descriptors: firstLayer(parts, { urls: ['http://169.254.169.254/latest'] }) }),
    0,
    'MANIFEST_UNSUPPORTED',
    /1 URLs of its own/,
  ],
  [
    'has a layer of an unknown type',
    (parts) => ({ descriptors: firstLayer(parts, { mediaType: 'application/vnd.oci.image.layer.squashfs' }) }),
    0,
    'MANIFEST_UNSUPPORTED',
    /no image layer that ocibake reads/,
  ],
  [
    'has a layer whose digest is a path',
    (parts) => ({ descriptors: firstLayer(parts, { digest: 'sha256:../../../etc/passwd' }) }),
    0,
    'MANIFEST_UNSUPPORTED',
    /digest/,
  ],
  [
    'has a layer of -1 bytes',
    (parts) => ({ descriptors: firstLayer(parts, { size: -1 }) }),
    0,
    'MANIFEST_INVALID',
    /size/,
  ],
  [
    'has an index in its index',
    () => ({ index: { mediaType: types.OCI_INDEX } }),
    0,
    'MANIFEST_UNSUPPORTED',
    /holds another index/,
  ],
  [
    'has an index entry of another type',
    () => ({ index: { mediaType: types.DOCKER_MANIFEST } }),
    0,
    'MANIFEST_INVALID',
    /two media types/,
  ],
  ['has an index entry of another size', () => ({ index: { size: 5 } }), 0, 'BLOB_MISMATCH', /descriptor says 5/],
  ['has an index entry of another digest', () => ({ index: { digest: OTHER } }), 0, 'BLOB_MISMATCH', /wanted sha256/],
  [
    'is for another platform alone',
    () => ({ index: { platform: { os: 'linux', architecture: 's390x' } } }),
    0,
    'PLATFORM_MISSING',
    /s390x/,
  ],
])('a base that %s is refused before its layers are fetched', async (_, lie, most, code, message) => {
  const { tree, blobs, root } = await scene(lie)
  await expect(tree()).rejects.toMatchObject({ code, message: expect.stringMatching(message) })
  expect(blobs()).toBeLessThanOrEqual(most)
  expect((await filesOf(root)).filter((name) => name.endsWith('.tar') || name.includes('tmp/'))).toEqual([])
})

const layer = (bytes: Buffer) => ({ layers: [bytes, gzipSync(TARS[1]!)] })
test.each<[string, (parts: Parts) => Partial<Parts>, string, RegExp]>([
  [
    'says another size, shorter',
    (parts) => ({ descriptors: firstLayer(parts, { size: 5 }) }),
    'BLOB_MISMATCH',
    /says 5/,
  ],
  [
    'says a size of petabytes, for which there is no room,',
    (parts) => ({ descriptors: firstLayer(parts, { size: 2 ** 52 }) }),
    'DISK_FULL',
    /for a file of 4503599627370496 bytes/,
  ],
  [
    'says a size that is too large',
    (parts) => ({ descriptors: firstLayer(parts, { size: 1_000_001 }) }),
    'BLOB_MISMATCH',
    /descriptor says 1000001/,
  ],
  [
    'says another digest',
    (parts) => ({ descriptors: firstLayer(parts, { digest: OTHER }) }),
    'BLOB_MISMATCH',
    /^The \d+ bytes of sha256:/,
  ],
  [
    'unpacks to another diff_id',
    (parts) => ({ config: { ...configOf(parts), rootfs: { type: 'layers', diff_ids: [digestOf(TARS[0]!), OTHER] } } }),
    'DIFF_ID_MISMATCH',
    /the config says/,
  ],
  [
    'has its diff_ids in another order',
    (parts) => ({
      config: {
        ...configOf(parts),
        rootfs: { type: 'layers', diff_ids: configOf(parts).rootfs.diff_ids.toReversed() },
      },
    }),
    'DIFF_ID_MISMATCH',
    /the config says/,
  ],
  ['is a page of a web server', () => layer(Buffer.from(`<html>${' '.repeat(2000)}`)), 'LAYER_INVALID', /checksum/],
  ['is cut short', () => layer(gzipSync(TARS[0]!).subarray(0, -9)), 'LAYER_INVALID', /damaged gzip/],
  [
    'goes on behind its end',
    () => layer(Buffer.concat([gzipSync(TARS[0]!), Buffer.from('more')])),
    'LAYER_INVALID',
    /damaged/,
  ],
  [
    'has a hard link to nothing',
    (parts) => {
      const tar = archive(rawMember({ name: 'h', flag: '1', target: 'nothing' }))
      const diffIds = [digestOf(tar), configOf(parts).rootfs.diff_ids[1]]
      return { ...layer(gzipSync(tar)), config: { ...platform, rootfs: { type: 'layers', diff_ids: diffIds } } }
    },
    'LAYER_INVALID',
    /hard link to \/nothing, which does not exist/,
  ],
])('a layer that %s is refused, and nothing half is left', async (_, lie, code, message) => {
  const { tree, root } = await scene(lie)
  await expect(tree()).rejects.toMatchObject({
    code,
    message: expect.stringMatching(message),
    ...(code !== 'DISK_FULL' && { where: expect.stringMatching(/^the base 127\.0\.0\.1:\d+\/\S+, layer sha256:/) }),
  })
  // What is known of the layers before it may still be being written.
  await vi.waitFor(async () => expect((await filesOf(root)).filter((name) => name.includes('tmp/'))).toEqual([]))
})
