import { execFileSync, spawnSync } from 'node:child_process'
import { mkdir, readdir, readFile, rm, stat, symlink, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import { describe, expect, it, onTestFinished } from 'vitest'
import { writeConfig } from '../../src/oci/config.ts'
import { digestOf, hexOf } from '../../src/oci/digest.ts'
import { dockerArchiveSource } from '../../src/oci/docker-archive-source.ts'
import type { Image } from '../../src/oci/image.ts'
import { ociArchiveSource } from '../../src/oci/layout-source.ts'
import { parseDocument } from '../../src/oci/manifest.ts'
import { parseReference } from '../../src/oci/reference.ts'
import type { ImageSource } from '../../src/oci/source.ts'
import { Store } from '../../src/oci/store.ts'
import type { ArchivedImage } from '../../src/oci/transport.ts'
import { writeDockerArchive } from '../../src/oci/write-docker-archive.ts'
import { writeOciArchive } from '../../src/oci/write-oci-archive.ts'
import { collect } from '../support/bytes.ts'
import { testFolder } from '../support/folder.ts'
import { skopeoCopy, skopeoInspect, tool } from '../support/skopeo.ts'
import { layerTar, type StoredImageOptions, storedImage } from '../support/stored-image.ts'
import { type Member, tarArchive } from '../support/tar-archive.ts'

const signal = new AbortController().signal
const NAME = parseReference('docker.io/library/demo:v1')

async function scene(options: Partial<StoredImageOptions> = {}) {
  const folder = await testFolder()
  const store = await Store.open(join(folder, 'store'))
  onTestFinished(() => store.close())
  const image = await storedImage(store, { layers: [{ hello: 'world' }, { more: 'x' }], ...options })
  return { folder, store, image, file: join(folder, 'image.tar'), spool: join(folder, 'spool') }
}

function opened(source: ImageSource): ImageSource {
  onTestFinished(() => source.close())
  return source
}

/** The manifest of a source, after every blob that it names was read and found right. */
async function checked(source: ImageSource) {
  const manifest = parseDocument(await opened(source).resolve(signal))
  if (manifest.kind !== 'manifest') throw new Error('no manifest')
  for (const blob of [manifest.config, ...manifest.layers]) {
    const bytes = await collect(source.blob(blob, 0, signal))
    expect([digestOf(bytes), bytes.length]).toEqual([blob.digest, blob.size])
    expect(await collect(source.blob(blob, 5, signal))).toEqual(bytes.subarray(5))
  }
  return manifest
}

describe('an oci-archive that was written', () => {
  it('is read by skopeo and by us with the digest of the image', async () => {
    const { folder, store, image, file, spool } = await scene()
    await writeOciArchive(file, 'v1', image, store, signal)
    expect((await skopeoInspect(`oci-archive:${file}:v1`)).Digest).toBe(image.manifest.digest)
    await skopeoCopy(`oci-archive:${file}:v1`, `dir:${folder}/dir`)
    expect(await opened(ociArchiveSource(file, 'v1', spool)).resolve(signal)).toEqual(image.manifest)
    expect((await checked(ociArchiveSource(file, undefined, spool))).layers).toHaveLength(2)
  })

  it('has the same bytes every time, and plain files that GNU tar reads', async () => {
    const { store, image, file } = await scene()
    await writeOciArchive(file, 'v1', image, store, signal)
    await writeOciArchive(`${file}.2`, 'v1', image, store, signal)
    expect(digestOf(await readFile(`${file}.2`))).toBe(digestOf(await readFile(file)))
    const env = { ...process.env, TZ: 'UTC' }
    const list = execFileSync('tar', ['--numeric-owner', '--full-time', '-tvf', file], { encoding: 'utf8', env })
    for (const line of list.trim().split('\n')) expect(line).toMatch(/^-rw-r--r-- 0\/0 +[0-9]+ 1970-01-01 00:00:00 /)
    expect(list).toContain('oci-layout')
  })

  it('holds a layer that the image has twice once', async () => {
    const { store, image, file, spool } = await scene({ layers: [{ a: 'a' }, { b: 'b' }, { a: 'a' }] })
    await writeOciArchive(file, undefined, image, store, signal)
    expect(execFileSync('tar', ['-tf', file], { encoding: 'utf8' }).trim().split('\n')).toHaveLength(2 + 2 + 2)
    expect((await checked(ociArchiveSource(file, undefined, spool))).layers).toHaveLength(3)
  })
})

describe('a docker-archive that was written', () => {
  it.each(['none', 'gzip', 'zstd'] as const)('is read by skopeo, from %s layers', async (compression) => {
    const { folder, store, image, file, spool } = await scene({ compression })
    await writeDockerArchive(file, [NAME], image, store, signal)
    const inspected = await skopeoInspect(`docker-archive:${file}:demo:v1`)
    expect(inspected.Layers).toEqual(image.layers.map((layer) => layer.diffId))
    await skopeoCopy(`docker-archive:${file}`, `oci:${folder}/back:x`)
    await tool('umoci', ['unpack', '--rootless', '--image', `${folder}/back:x`, join(folder, 'bundle')])
    expect(await readFile(join(folder, 'bundle/rootfs/hello'), 'utf8')).toBe('world')
    const manifest = await checked(dockerArchiveSource(file, NAME, spool))
    expect(manifest.config.digest).toBe(image.config.descriptor.digest)
    expect(manifest.layers.map((layer) => layer.digest)).toEqual(image.layers.map((layer) => layer.diffId))
  })

  it('has the same bytes every time, several names, and a layer that is used twice once', async () => {
    const { store, image, file } = await scene({ layers: [{ a: 'a' }, { b: 'b' }, { a: 'a' }] })
    const names = [NAME, parseReference('h.example/x:2')]
    await writeDockerArchive(file, names, image, store, signal)
    await writeDockerArchive(`${file}.2`, names, image, store, signal)
    expect(digestOf(await readFile(`${file}.2`))).toBe(digestOf(await readFile(file)))
    expect(execFileSync('tar', ['-tf', file], { encoding: 'utf8' }).trim().split('\n')).toHaveLength(2 + 3)
    const inspect = (name: string) => skopeoInspect(`docker-archive:${file}:${name}`)
    expect((await inspect('demo:v1')).Digest).toBe((await inspect('h.example/x:2')).Digest)
    const repositories = execFileSync('tar', ['-xOf', file, 'repositories'], { encoding: 'utf8' })
    const top = hexOf(image.layers[2]!.diffId)
    expect(JSON.parse(repositories)).toEqual({ 'docker.io/library/demo': { v1: top }, 'h.example/x': { '2': top } })
  })

  it('is refused when a layer does not unpack to its diffId', async () => {
    const { folder, store, image, file } = await scene()
    const wrong: Image = { ...image, layers: image.layers.map((layer) => ({ ...layer, diffId: digestOf('other') })) }
    await expect(writeDockerArchive(file, [NAME], wrong, store, signal)).rejects.toThrow(
      expect.objectContaining({ code: 'BLOB_MISMATCH' }),
    )
    expect(await readdir(folder)).toEqual(['store'])
  })
})

describe('an archive that could not be written', () => {
  const WRITERS = [
    [
      'oci-archive',
      (file: string, image: Image, store: Store, stop: AbortSignal) => writeOciArchive(file, 'v1', image, store, stop),
    ],
    [
      'docker-archive',
      (file: string, image: Image, store: Store, stop: AbortSignal) => writeDockerArchive(file, [], image, store, stop),
    ],
  ] as const

  it.each(WRITERS)('leaves the old %s as it was', async (_, write) => {
    const { folder, store, image, file } = await scene()
    await writeFile(file, 'old')
    await writeFile(store.blobPath(image.layers[1]!.digest), 'damaged')
    await expect(write(file, image, store, signal)).rejects.toThrow(expect.objectContaining({ code: 'STORE_CORRUPT' }))
    expect(await readFile(file, 'utf8')).toBe('old')
    expect((await readdir(folder)).sort()).toEqual(['image.tar', 'store'])
  })

  it.each(WRITERS)('leaves nothing of an interrupted %s', async (_, write) => {
    const { folder, store, image, file } = await scene()
    await expect(write(file, image, store, AbortSignal.abort(new Error('stopped')))).rejects.toThrow('stopped')
    expect(await readdir(folder)).toEqual(['store'])
  })

  it.each(WRITERS)('says that the folder of a %s is missing, or the target a folder', async (_, write) => {
    const { folder, store, image } = await scene()
    const code = 'OUTPUT_FAILED'
    await expect(write(join(folder, 'no/x.tar'), image, store, signal)).rejects.toThrow(
      expect.objectContaining({ code }),
    )
    await expect(write(folder, image, store, signal)).rejects.toThrow(expect.objectContaining({ code }))
  })

  it('replaces the target of a symlink and keeps the link; refuses a device', async () => {
    const { folder, store, image, file } = await scene()
    await writeFile(join(folder, 'real'), 'old')
    await symlink('real', file)
    await writeOciArchive(file, 'v1', image, store, signal)
    expect((await stat(join(folder, 'real'))).size).toBeGreaterThan(1000)
    await symlink('/dev/null', join(folder, 'null'))
    await expect(writeOciArchive(join(folder, 'null'), 'v1', image, store, signal)).rejects.toThrow(
      'is no regular file',
    )
    expect((await stat('/dev/null')).isCharacterDevice()).toBe(true)
  })

  it('says DISK_FULL when the disk is, and leaves nothing', async () => {
    const { folder, store, image } = await scene({ layers: [{ big: 'x'.repeat(100_000) }], compression: 'none' })
    const disk = join(folder, 'disk')
    await mkdir(disk)
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', disk])
    onTestFinished(() => void execFileSync('umount', [disk]))
    for (const [, write] of WRITERS) {
      await expect(write(join(disk, 'x.tar'), image, store, signal)).rejects.toThrow(
        expect.objectContaining({ code: 'DISK_FULL' }),
      )
      expect(await readdir(disk)).toEqual([])
    }
  })
})

describe('an archive made by another tool', () => {
  it.each([
    ['plain', (bytes: Buffer) => bytes],
    ['gzip', gzipSync],
    ['zstd', zstdCompressSync],
  ] as const)('is read: skopeo, oci-archive, %s', async (kind, compress) => {
    const { folder, store, image, file, spool } = await scene()
    await writeOciArchive(join(folder, 'ours'), 'v1', image, store, signal)
    await skopeoCopy(`oci-archive:${folder}/ours:v1`, `oci-archive:${folder}/theirs:v2`)
    await writeFile(file, compress(await readFile(join(folder, 'theirs'))))
    const source = ociArchiveSource(file, 'v2', spool)
    expect((await checked(source)).layers.map((layer) => layer.digest)).toEqual(
      image.layers.map((layer) => layer.digest),
    )
    if (kind !== 'plain') expect((await stat(spool)).size).toBeGreaterThan(0)
    await source.close()
    await source.close()
    await expect(stat(spool)).rejects.toThrow('ENOENT')
  })

  it.each([
    ['the only image', undefined],
    ['by name', NAME],
    ['by place', 0],
  ] as const)('is read: skopeo, docker-archive, %s', async (_, wanted) => {
    const { folder, store, image, file, spool } = await scene()
    await writeOciArchive(join(folder, 'ours'), 'v1', image, store, signal)
    await skopeoCopy(`oci-archive:${folder}/ours:v1`, `docker-archive:${file}:demo:v1`)
    const manifest = await checked(dockerArchiveSource(file, wanted, spool))
    expect(manifest.mediaType).toBe('application/vnd.docker.distribution.manifest.v2+json')
    expect(manifest.layers.map((layer) => layer.digest)).toEqual(image.layers.map((layer) => layer.diffId))
  })

  it('is loaded by podman, and what podman saves is read', async ({ skip }) => {
    const { folder, store, image, file, spool } = await scene()
    const podman = ['--root', join(folder, 'root'), '--runroot', join(folder, 'run'), '--storage-driver', 'vfs']
    if (spawnSync('podman', [...podman, 'info']).status !== 0) {
      if (process.env.CI !== undefined) throw new Error('podman does not work here')
      skip('podman does not work here')
    }
    await writeDockerArchive(file, [NAME], image, store, signal)
    expect(await tool('podman', [...podman, 'load', '--quiet', '--input', file])).toContain('docker.io/library/demo:v1')
    for (const format of ['docker-archive', 'oci-archive']) {
      const saved = join(folder, format)
      await tool('podman', [
        ...podman,
        'save',
        '--quiet',
        '--format',
        format,
        '--output',
        saved,
        'docker.io/library/demo:v1',
      ])
      const source =
        format === 'oci-archive' ? ociArchiveSource(saved, undefined, spool) : dockerArchiveSource(saved, NAME, spool)
      expect((await checked(source)).layers).toHaveLength(2)
    }
  })
})

describe('a docker-archive of any age', () => {
  const A = 'a'.repeat(64)
  const B = 'b'.repeat(64)

  async function parts() {
    const [one, two] = [await layerTar({ one: '1' }), await layerTar({ two: '2' })]
    const diff_ids = [one, two, one].map((raw) => digestOf(raw))
    const config = writeConfig({ architecture: 'amd64', os: 'linux', rootfs: { type: 'layers', diff_ids } })
    return { one, two, config }
  }

  async function source(members: readonly Member[], image?: ArchivedImage) {
    const { file, spool } = await scene()
    await writeFile(file, tarArchive(members))
    return dockerArchiveSource(file, image, spool)
  }

  const list = (...items: object[]): Member => ({ name: 'manifest.json', content: JSON.stringify(items) })

  it('is read when equal layers are symlinks, as `docker save` of old wrote them', async () => {
    const { one, two, config } = await parts()
    const archive = await source([
      { name: `${A}/`, type: 'directory' },
      { name: `${A}/layer.tar`, content: one },
      { name: `${B}/layer.tar`, content: two },
      { name: 'c/layer.tar', type: 'symlink', target: `../${A}/layer.tar` },
      { name: 'config.json', content: config },
      list({
        Config: 'config.json',
        RepoTags: ['demo:v1'],
        Layers: [`${A}/layer.tar`, `${B}/layer.tar`, 'c/layer.tar'],
      }),
    ])
    expect((await checked(archive)).layers.map((layer) => layer.size)).toEqual([one.length, two.length, one.length])
  })

  it('is read when it is an OCI layout too, as `docker save` of now writes it, with compressed layers or not', async () => {
    const { one, two, config } = await parts()
    const packed = gzipSync(two)
    const [first, second] = [`blobs/sha256/${A}`, `blobs/sha256/${B}`]
    const archive = await source([
      { name: './blobs/sha256/config', content: config },
      { name: `./${first}`, content: one },
      { name: `./${second}`, content: packed },
      { name: 'oci-layout', content: '{"imageLayoutVersion":"1.0.0"}' },
      list({ Config: 'blobs/sha256/config', RepoTags: null, Layers: [first, second, first], LayerSources: {} }),
    ])
    const { layers } = await checked(archive)
    expect(layers.map((layer) => layer.mediaType.replace(/.*tar/, ''))).toEqual(['', '.gzip', ''])
    expect(layers[1]!.digest).toBe(digestOf(packed))
  })

  it('is the same image, plain or compressed as a whole', async () => {
    const { image, store, file, spool } = await scene()
    await writeDockerArchive(file, [NAME], image, store, signal)
    await writeFile(`${file}.gz`, gzipSync(await readFile(file)))
    const plain = await opened(dockerArchiveSource(file, undefined, spool)).resolve(signal)
    expect(await opened(dockerArchiveSource(`${file}.gz`, undefined, spool)).resolve(signal)).toEqual(plain)
  })

  it('lists its images when the wanted one is not there', async () => {
    const items = [
      { Config: 'c', RepoTags: ['a:1', 'x/b:2'], Layers: [] },
      { Config: 'c', RepoTags: null, Layers: [] },
    ]
    for (const wanted of [undefined, NAME, 2]) {
      const archive = opened(await source([list(...items)], wanted))
      await expect(archive.resolve(signal)).rejects.toThrow(expect.objectContaining({ code: 'BASE_NOT_FOUND' }))
      await expect(archive.resolve(signal)).rejects.toThrow('docker.io/library/a:1, docker.io/x/b:2')
    }
  })

  it.each<[title: string, members: (config: Buffer, one: Buffer) => Member[], message: string]>([
    ['no manifest.json', () => [], "has no 'manifest.json'"],
    ['a manifest.json that is an object', () => [{ name: 'manifest.json', content: '{}' }], 'wanted a JSON array'],
    ['a config that is not there', () => [list({ Config: 'c', Layers: [] })], "has no 'c'"],
    ['a config outside', () => [list({ Config: '../../../etc/passwd', Layers: [] })], "has no '../../../etc/passwd'"],
    [
      'a config that is a link outside',
      () => [{ name: 'c', type: 'symlink', target: '/etc/passwd' }, list({ Config: 'c', Layers: [] })],
      "has no 'c'",
    ],
    [
      'a config that is a link to itself',
      () => [{ name: 'c', type: 'symlink', target: 'c' }, list({ Config: 'c', Layers: [] })],
      'is a link that leads to itself',
    ],
    [
      'a config that is a device',
      () => [{ name: 'c', type: 'fifo' }, list({ Config: 'c', Layers: [] })],
      'is a fifo; wanted a plain file',
    ],
    [
      'a config that is none',
      () => [{ name: 'c', content: '{}' }, list({ Config: 'c', Layers: [] })],
      'rootfs is absent',
    ],
    [
      'fewer layers than diff_ids',
      (config) => [{ name: 'c', content: config }, list({ Config: 'c', Layers: [] })],
      'has 0 layers; the config has 3 diff_ids',
    ],
    [
      'a layer that is not there',
      (config) => [{ name: 'c', content: config }, list({ Config: 'c', Layers: ['x', 'x', 'x'] })],
      "has no 'x'",
    ],
    [
      'Layers in another case',
      (config) => [{ name: 'c', content: config }, list({ Config: 'c', layers: [] })],
      'has the name "layers"; wanted \'Layers\'',
    ],
  ])('is refused with %s', async (_, members, message) => {
    const { config, one } = await parts()
    await expect(opened(await source(members(config, one))).resolve(signal)).rejects.toThrow(message)
  })

  it('is noticed by whoever verifies when a layer is not what its diffId says', async () => {
    const { one, two, config } = await parts()
    const archive = opened(
      await source([
        { name: 'x', content: one },
        { name: 'y', content: two },
        { name: 'c', content: config },
        list({ Config: 'c', Layers: ['y', 'x', 'x'] }),
      ]),
    )
    const manifest = parseDocument(await archive.resolve(signal))
    if (manifest.kind !== 'manifest') throw new Error('no manifest')
    const { store } = await scene()
    const layer = manifest.layers[1]!
    await expect(store.ingestLayer(layer, undefined, (start) => archive.blob(layer, start, signal))).rejects.toThrow(
      expect.objectContaining({ code: 'BLOB_MISMATCH' }),
    )
  })
})

describe('a file that is no archive of an image', () => {
  const SOURCES = [
    ['oci-archive', (file: string, spool: string) => ociArchiveSource(file, undefined, spool)],
    ['docker-archive', (file: string, spool: string) => dockerArchiveSource(file, undefined, spool)],
  ] as const

  it.each(SOURCES)('is refused as %s, and nothing is left', async (_, from) => {
    const { folder, store, image, file, spool } = await scene()
    await writeOciArchive(join(folder, 'good'), 'v1', image, store, signal)
    const good = await readFile(join(folder, 'good'))
    await rm(join(folder, 'good'))
    const cases: [Buffer, string][] = [
      [Buffer.from('<html>'), 'is no image archive'],
      [good.subarray(0, 530), 'is no image archive'],
      [gzipSync(good).subarray(0, 900), 'is no image archive'],
      [Buffer.from([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0, 0, 0]), 'compressed with xz'],
    ]
    for (const [bytes, message] of cases) {
      await writeFile(file, bytes)
      const source = opened(from(file, spool))
      await expect(source.resolve(signal)).rejects.toThrow(expect.objectContaining({ code: 'LAYOUT_INVALID' }))
      await expect(source.resolve(signal)).rejects.toThrow(message)
      expect((await readdir(folder)).sort()).toEqual(['image.tar', 'store'])
    }
  })

  it.each(SOURCES)('is not found, or is a folder or a fifo: %s', async (_, from) => {
    const { folder, file, spool } = await scene()
    await expect(from(file, spool).resolve(signal)).rejects.toThrow(expect.objectContaining({ code: 'BASE_NOT_FOUND' }))
    await expect(from(folder, spool).resolve(signal)).rejects.toThrow('is no regular file')
    spawnSync('mkfifo', [file])
    await expect(from(file, spool).resolve(signal)).rejects.toThrow('is no regular file')
  })

  it('is told apart from the other kind', async () => {
    const { store, image, file, spool } = await scene()
    await writeOciArchive(file, 'v1', image, store, signal)
    const asDocker = opened(dockerArchiveSource(file, undefined, spool)).resolve(signal)
    await expect(asDocker).rejects.toThrow(expect.objectContaining({ hint: expect.stringContaining('oci-archive:') }))
    await writeDockerArchive(file, [], image, store, signal)
    const asOci = opened(ociArchiveSource(file, undefined, spool)).resolve(signal)
    await expect(asOci).rejects.toThrow(expect.objectContaining({ hint: expect.stringContaining('docker-archive:') }))
  })

  it('is refused when it has more members than any image, which would all be kept in memory', async () => {
    const { file, spool } = await scene()
    const member = tarArchive([{ name: 'x' }]).subarray(0, 512)
    const members = Buffer.concat(Array.from({ length: 100_001 }, () => member))
    await writeFile(file, gzipSync(Buffer.concat([members, Buffer.alloc(1024)]), { level: 1 }))
    await expect(opened(ociArchiveSource(file, undefined, spool)).resolve(signal)).rejects.toMatchObject({
      code: 'LAYOUT_INVALID',
      message: expect.stringContaining('more than 100000 members'),
    })
    expect(await readdir(join(file, '..'))).not.toContain('spool')
  })

  it('is noticed when it was cut between index and blobs', async () => {
    const { store, image, file, spool } = await scene()
    await writeOciArchive(file, 'v1', image, store, signal)
    const source = opened(ociArchiveSource(file, 'v1', spool))
    const manifest = parseDocument(await source.resolve(signal))
    if (manifest.kind !== 'manifest') throw new Error('no manifest')
    await truncate(file, 600)
    await expect(collect(source.blob(manifest.layers[0]!, 0, signal))).rejects.toThrow(
      expect.objectContaining({ code: 'FILE_CHANGED' }),
    )
  })
})
