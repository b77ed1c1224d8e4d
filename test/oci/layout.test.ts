import { spawnSync } from 'node:child_process'
import { appendFile, mkdir, readdir, readFile, rename, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { type Digest, digestOf, hexOf } from '../../src/oci/digest.ts'
import type { Image } from '../../src/oci/image.ts'
import { layoutSource } from '../../src/oci/layout-source.ts'
import { parseDocument } from '../../src/oci/manifest.ts'
import { markText, ownMark } from '../../src/oci/process-mark.ts'
import type { ImageSource } from '../../src/oci/source.ts'
import { Store } from '../../src/oci/store.ts'
import { writeLayout } from '../../src/oci/write-layout.ts'
import { collect } from '../support/bytes.ts'
import { testFolder } from '../support/folder.ts'
import { skopeoCopy, skopeoInspect, tool } from '../support/skopeo.ts'
import { storedImage } from '../support/stored-image.ts'

const signal = new AbortController().signal

async function scene() {
  const folder = await testFolder()
  const store = await Store.open(join(folder, 'store'))
  onTestFinished(() => store.close())
  return { folder, store, out: join(folder, 'out') }
}

async function written(layers: readonly Record<string, string>[] = [{ hello: 'world' }]) {
  const { folder, store, out } = await scene()
  const image = await storedImage(store, { layers })
  await writeLayout(out, 'v1', image, store, signal)
  return { folder, store, out, image }
}

async function resolved(source: ImageSource) {
  onTestFinished(() => source.close())
  return source.resolve(signal)
}

const blobOf = (out: string, digest: Digest) => join(out, 'blobs/sha256', hexOf(digest))

/** Replaces the layout's index.json and reads it. */
async function withIndex(out: string, index: unknown, tag?: string) {
  await writeFile(join(out, 'index.json'), JSON.stringify(index))
  return resolved(layoutSource(out, tag))
}

function entryOf({ manifest }: Image, annotations?: Record<string, string>, architecture?: string) {
  const { mediaType, digest, bytes } = manifest
  const platform = architecture && { os: 'linux', architecture }
  return { mediaType, digest, size: bytes.length, annotations, platform }
}

describe('a layout that was written', () => {
  it('is read by skopeo and umoci, with the same digest, config and files', async () => {
    const { folder, store, out } = await scene()
    const layers = [{ hello: 'world', gone: 'x' }, { 'hello.2': 'more' }]
    const image = await storedImage(store, { layers, config: { Env: ['A=1'] } })
    await writeLayout(out, 'v1', image, store, signal)
    expect(await skopeoInspect(`oci:${out}:v1`)).toMatchObject({
      Digest: image.manifest.digest,
      Layers: image.layers.map((layer) => layer.digest),
      Env: ['A=1'],
    })
    expect((await tool('umoci', ['ls', '--layout', out])).trim()).toBe('v1')
    await tool('umoci', ['unpack', '--rootless', '--image', `${out}:v1`, join(folder, 'bundle')])
    expect(await readFile(join(folder, 'bundle/rootfs/hello'), 'utf8')).toBe('world')
    expect(await readFile(join(folder, 'bundle/rootfs/hello.2'), 'utf8')).toBe('more')
    await skopeoCopy(`oci:${out}:v1`, `dir:${folder}/dir`)
  })

  it.each(['none', 'gzip', 'zstd'] as const)('is read back blob by blob, with %s layers', async (compression) => {
    const { store, out } = await scene()
    const image = await storedImage(store, { layers: [{ a: 'a' }, { b: 'b' }], compression })
    await writeLayout(out, 'v1', image, store, signal)
    const source = layoutSource(out, 'v1')
    expect(await resolved(source)).toEqual(image.manifest)
    for (const layer of image.layers) {
      const whole = await collect(source.blob(layer, 0, signal))
      expect(digestOf(whole)).toBe(layer.digest)
      expect(await collect(source.blob(layer, 7, signal))).toEqual(whole.subarray(7))
      expect(await collect(source.blob(layer, whole.length, signal))).toHaveLength(0)
    }
  })

  it('gets another tag beside the first, and a tag that is there moves', async () => {
    const { store, out, image } = await written()
    const other = await storedImage(store, { layers: [{ hello: 'moon' }] })
    await writeLayout(out, 'v2', image, store, signal)
    await writeLayout(out, 'v1', other, store, signal)
    await writeLayout(out, undefined, image, store, signal)
    await writeLayout(out, undefined, other, store, signal)
    expect((await tool('umoci', ['ls', '--layout', out])).trim().split('\n').sort()).toEqual(['v1', 'v2'])
    expect((await resolved(layoutSource(out, 'v1'))).digest).toBe(other.manifest.digest)
    expect((await resolved(layoutSource(out, 'v2'))).digest).toBe(image.manifest.digest)
    expect(JSON.parse(await readFile(join(out, 'index.json'), 'utf8')).manifests).toHaveLength(3)
  })

  it('keeps what other tools put into it', async () => {
    const { store, out } = await scene()
    const image = await storedImage(store, { layers: [{ a: 'a' }] })
    await tool('umoci', ['init', '--layout', out])
    await tool('umoci', ['new', '--image', `${out}:theirs`])
    const theirs = JSON.parse(await readFile(join(out, 'index.json'), 'utf8'))
    const kept = { ...theirs, annotations: { x: 'y' }, manifests: [{ ...theirs.manifests[0], odd: 1 }] }
    await writeFile(join(out, 'index.json'), JSON.stringify(kept))
    await writeLayout(out, 'ours', image, store, signal)
    const index = JSON.parse(await readFile(join(out, 'index.json'), 'utf8'))
    expect(index).toMatchObject({
      annotations: { x: 'y' },
      manifests: [kept.manifests[0], { digest: image.manifest.digest }],
    })
    expect((await tool('umoci', ['ls', '--layout', out])).trim().split('\n').sort()).toEqual(['ours', 'theirs'])
  })

  it('has its damaged blobs written again', async () => {
    const { store, out, image } = await written()
    const path = blobOf(out, image.layers[0]!.digest)
    const good = await readFile(path)
    await writeFile(path, Buffer.from(good).fill(1, 3, 4))
    await writeLayout(out, 'v1', image, store, signal)
    expect(await readFile(path)).toEqual(good)
  })

  it('has every tag when twenty builds write to it at once', async () => {
    const { store, out } = await scene()
    const images = await Promise.all(
      Array.from({ length: 20 }, (_, i) => storedImage(store, { layers: [{ shared: 'x' }, { own: `${i}` }] })),
    )
    await Promise.all(images.map((image, i) => writeLayout(out, `t${i}`, image, store, signal)))
    for (const [i, image] of images.entries()) {
      expect((await resolved(layoutSource(out, `t${i}`))).digest).toBe(image.manifest.digest)
    }
    expect((await readdir(out)).sort()).toEqual(['blobs', 'index.json', 'oci-layout'])
  })

  it('is written although a killed build left its lock and half a blob', async () => {
    const { store, out, image } = await written()
    await writeFile(join(out, '.ocibake-lock'), markText({ ...ownMark(), start: '1' }))
    const partial = join(out, 'blobs/sha256', `.${'a'.repeat(64)}.0123456789ab.partial`)
    await writeFile(partial, 'half')
    await writeLayout(out, 'v2', image, store, signal)
    await expect(stat(partial)).rejects.toThrow('ENOENT')
    expect((await resolved(layoutSource(out, 'v2'))).digest).toBe(image.manifest.digest)
  })
})

describe('a layout that could not be written', () => {
  it('is not there', async () => {
    const { folder, store, out } = await scene()
    const image = await storedImage(store, { layers: [{ a: 'a' }, { b: 'b' }] })
    await writeFile(store.blobPath(image.layers[1]!.digest), 'damaged')
    await expect(writeLayout(join(out, 'deep'), 'v1', image, store, signal)).rejects.toThrow(
      expect.objectContaining({ code: 'STORE_CORRUPT' }),
    )
    expect(await readdir(folder)).toEqual(['store'])
  })

  it('is as it was before', async () => {
    const { store, out, image } = await written()
    const list = async () => [await readdir(out), await readdir(join(out, 'blobs/sha256'))]
    const before = [await readFile(join(out, 'index.json'), 'utf8'), await list()]
    const other = await storedImage(store, { layers: [{ a: 'a' }, { b: 'b' }] })
    await rm(store.blobPath(other.config.descriptor.digest))
    await expect(writeLayout(out, 'v1', other, store, signal)).rejects.toThrow()
    expect([await readFile(join(out, 'index.json'), 'utf8'), await list()]).toEqual(before)
    expect((await resolved(layoutSource(out, 'v1'))).digest).toBe(image.manifest.digest)
  })

  it('leaves nothing when it is interrupted', async () => {
    const { folder, store, out } = await scene()
    const image = await storedImage(store, { layers: [{ a: 'a' }] })
    const stopped = AbortSignal.abort(new Error('stopped'))
    await expect(writeLayout(out, 'v1', image, store, stopped)).rejects.toThrow('stopped')
    expect(await readdir(folder)).toEqual(['store'])
  })

  it('is refused in a folder of other things, or in place of a file', async () => {
    const { store, out, folder } = await scene()
    const image = await storedImage(store, { layers: [{ a: 'a' }] })
    await mkdir(out)
    await writeFile(join(out, 'precious'), 'x')
    await expect(writeLayout(out, 'v1', image, store, signal)).rejects.toThrow('is no OCI layout and not empty')
    expect(await readdir(out)).toEqual(['precious'])
    await writeFile(join(folder, 'file'), 'x')
    await expect(writeLayout(join(folder, 'file'), 'v1', image, store, signal)).rejects.toThrow(
      expect.objectContaining({ code: 'OUTPUT_FAILED' }),
    )
  })
})

describe('choosing an image of a layout', () => {
  it('takes the only image without a tag, whatever its tag', async () => {
    const { out, image } = await written()
    expect(await resolved(layoutSource(out))).toEqual(image.manifest)
  })

  it('lists the tags when there are several, or not the wanted one', async () => {
    const { store, out } = await written()
    await writeLayout(out, 'v2', await storedImage(store, { layers: [{ b: 'b' }] }), store, signal)
    const code = 'BASE_NOT_FOUND'
    await expect(resolved(layoutSource(out))).rejects.toThrow(expect.objectContaining({ code }))
    await expect(resolved(layoutSource(out))).rejects.toThrow("has 2 images: 'v1', 'v2'; wanted one image, or a tag")
    await expect(resolved(layoutSource(out, 'v3'))).rejects.toThrow("'v1', 'v2'; wanted one with the tag 'v3'.")
    await expect(resolved(layoutSource(join(out, 'none')))).rejects.toThrow(expect.objectContaining({ code }))
  })

  it('finds an image by the full name that containerd gave it', async () => {
    const { out, image } = await written()
    const annotations = {
      'org.opencontainers.image.ref.name': 'x',
      'io.containerd.image.name': 'docker.io/library/a:x',
    }
    const other = { ...entryOf(image), mediaType: 'application/vnd.other' }
    const index = { schemaVersion: 2, manifests: [other, entryOf(image, annotations)] }
    expect((await withIndex(out, index, 'docker.io/library/a:x')).digest).toBe(image.manifest.digest)
  })

  it('makes an index of what lies there as one entry for each platform', async () => {
    const { store, out, image } = await written()
    const other = await storedImage(store, { layers: [{ arm: 'x' }] })
    const manifests = [entryOf(image, undefined, 'amd64'), entryOf(other, undefined, 'arm64')]
    const index = parseDocument(await withIndex(out, { schemaVersion: 2, manifests }))
    if (index.kind !== 'index') throw new Error('no index')
    expect(index.manifests.map((entry) => entry.platform?.architecture)).toEqual(['amd64', 'arm64'])
  })

  it("reads skopeo's index of several platforms and each manifest in it", async () => {
    const { store, folder, out, image } = await written()
    const { mediaType, digest, bytes } = image.manifest
    const manifests = [{ mediaType, digest, size: bytes.length, platform: { os: 'linux', architecture: 'amd64' } }]
    const list = Buffer.from(
      JSON.stringify({ schemaVersion: 2, mediaType: 'application/vnd.oci.image.index.v1+json', manifests }),
    )
    const listDigest = await store.putDocument(list)
    await writeFile(blobOf(out, listDigest), list)
    const entry = { mediaType: 'application/vnd.oci.image.index.v1+json', digest: listDigest, size: list.length }
    await withIndex(out, { schemaVersion: 2, manifests: [entry] })
    await skopeoCopy(`oci:${out}`, `oci:${folder}/copy:multi`, '--all')
    const source = layoutSource(join(folder, 'copy'), 'multi')
    const index = parseDocument(await resolved(source))
    if (index.kind !== 'index') throw new Error('no index')
    expect((await source.manifest(index.manifests[0]!, signal)).digest).toBe(digest)
  })
})

describe('a layout made by another tool', () => {
  it("is read: umoci's", async () => {
    const { folder, out } = await scene()
    await tool('umoci', ['init', '--layout', out])
    await tool('umoci', ['new', '--image', `${out}:base`])
    await writeFile(join(folder, 'file'), 'hello')
    await tool('umoci', ['insert', '--rootless', '--image', `${out}:base`, join(folder, 'file'), '/file'])
    const document = parseDocument(await resolved(layoutSource(out, 'base')))
    expect(document).toMatchObject({ kind: 'manifest', layers: [{ size: expect.any(Number) }] })
  })

  it.each(['oci', 'v2s2'])("is read: skopeo's, in the format %s", async (format) => {
    const { folder, out, image } = await written()
    await skopeoCopy(`oci:${out}:v1`, `dir:${folder}/dir`, '--format', format)
    await skopeoCopy(`dir:${folder}/dir`, `oci:${folder}/back:x`)
    const document = parseDocument(await resolved(layoutSource(join(folder, 'back'), 'x')))
    expect(document).toMatchObject({ layers: [{ digest: image.layers[0]!.digest }] })
  })
})

describe('a hostile or broken layout', () => {
  const A = `sha256:${'a'.repeat(64)}`
  it.each([
    ['a version that is unknown', { 'oci-layout': '{"imageLayoutVersion":"2.0.0"}' }, 'imageLayoutVersion is "2.0.0"'],
    ['no JSON', { 'index.json': '<html>' }, 'index.json is not JSON'],
    ['a manifest as index', { 'index.json': '{"schemaVersion":2,"layers":[]}' }, 'layers is []; wanted an index'],
    ['an index of 5 MiB', { 'index.json': ' '.repeat(5 << 20) }, 'has 5242880 bytes; at most 4194304 are read'],
    ['a size that is negative', { 'index.json': entry(A, -5) }, 'size is -5'],
    ['a size of 5 MiB', { 'index.json': entry(A, 5 << 20) }, 'size is 5242880; wanted at most 4194304'],
    ['a manifest that is not there', { 'index.json': entry(A, 5) }, `has no 'blobs/sha256/${'a'.repeat(64)}'`],
    [
      'a manifest with other bytes',
      { 'index.json': entry(A, 5), [`blobs/sha256/${'a'.repeat(64)}`]: 'xxxxx' },
      'hash to',
    ],
  ])('is refused: %s', async (_, files, message) => {
    const { out } = await written()
    for (const [name, text] of Object.entries(files)) await writeFile(join(out, name), text)
    await expect(resolved(layoutSource(out))).rejects.toThrow(message)
  })

  it('is refused when a digest is a path', async () => {
    const { folder, out } = await written()
    await writeFile(join(folder, 'secret'), 'x')
    await writeFile(join(out, 'index.json'), entry('sha256:../../../secret', 1))
    await expect(resolved(layoutSource(out))).rejects.toThrow(expect.objectContaining({ code: 'MANIFEST_UNSUPPORTED' }))
  })

  it.each(['symlink', 'fifo', 'directory'])('is refused, without waiting, when a blob is a %s', async (kind) => {
    const { folder, out, image } = await written()
    const path = blobOf(out, image.manifest.digest)
    await rename(path, join(folder, 'moved'))
    if (kind === 'symlink') await symlink(join(folder, 'moved'), path)
    if (kind === 'fifo') spawnSync('mkfifo', [path])
    if (kind === 'directory') await mkdir(path)
    await expect(resolved(layoutSource(out))).rejects.toThrow(expect.objectContaining({ code: 'LAYOUT_INVALID' }))
  })

  it('is refused when it is a fifo in place of index.json', async () => {
    const { out } = await written()
    await rm(join(out, 'index.json'))
    spawnSync('mkfifo', [join(out, 'index.json')])
    await expect(resolved(layoutSource(out))).rejects.toThrow('is no regular file')
  })

  it('is refused when the manifest goes on after its size', async () => {
    const { out, image } = await written()
    await appendFile(blobOf(out, image.manifest.digest), ' ')
    await expect(resolved(layoutSource(out))).rejects.toThrow(expect.objectContaining({ code: 'BLOB_MISMATCH' }))
  })

  function entry(digest: string, size: number): string {
    const mediaType = 'application/vnd.oci.image.manifest.v1+json'
    return JSON.stringify({ schemaVersion: 2, manifests: [{ mediaType, digest, size }] })
  }
})
