import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Metadata } from '../../src/cli/metadata.ts'
import { bake } from '../support/cli.ts'
import { type DescribedRoot, describeImage } from '../support/described-root.ts'
import { startRegistry, type TestRegistry } from '../support/registry.ts'
import { skopeoCopy, skopeoInspect, tool } from '../support/skopeo.ts'
import { umociBase } from '../support/umoci-base.ts'

const STEPS = {
  adding: [
    { write: '/lib/new.conf', text: 'through a symlink of the base\n', owner: '65100:65100', mode: '0640' },
    { write: '/srv/deep/er/file', text: 'in new folders\n' },
    { link: '/srv/link', target: 'deep/er/file' },
  ],
  deleting: [
    { run: 'rm /srv/one; touch /srv/replaced/new; mkdir /srv/made; ln /srv/able /srv/made/able' },
    { own: '/srv/made', by: 'core:core' },
    { remove: ['/srv/rep*', '/bin/ln'] },
  ],
}

describe("layers: 'append'", () => {
  let folder = ''
  let registry: TestRegistry
  let base: { Digest: string; Layers: string[] }
  let count = 0

  /** Builds and pushes; `asked` is what the registry was asked meanwhile. */
  const build = async (steps: object[], fields: object, args: string[], cache = String(count + 1)) => {
    const spec = join(folder, `${++count}.spec.json`)
    const from = `${registry.host}/library/base:1`
    await writeFile(spec, JSON.stringify({ from, layers: 'append', steps, ...fields }))
    const before = (await registry.requests()).length
    const metadata = join(folder, `${count}.json`)
    await bake(['build', spec, ...args, '--metadata-file', metadata], { cache: join(folder, `cache-${cache}`) })
    const made = JSON.parse(await readFile(metadata, 'utf8')) as Metadata
    return { made, asked: (await registry.requests()).slice(before) }
  }
  const push = (steps: object[], fields: object, ...names: string[]) =>
    build(steps, { ...fields, tags: names.map((name) => `${registry.host}/${name}`) }, ['--push'])

  /** As skopeo copies it and umoci unpacks it. umoci knows no zstd, so that a folder with plain layers lies between. */
  const unpacked = async (name: string): Promise<DescribedRoot> => {
    const place = await mkdtemp(join(folder, 'unpacked-'))
    const options = ['--src-tls-verify=false', '--dest-decompress']
    await skopeoCopy(`docker://${registry.host}/${name}`, `dir:${place}/dir`, ...options)
    await skopeoCopy(`dir:${place}/dir`, `oci:${place}/oci:x`)
    return describeImage(`${place}/oci:x`, join(place, 'root'))
  }
  const inspect = (name: string) => skopeoInspect(`docker://${registry.host}/${name}`)

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'ocibake-e2e-'))
    registry = await startRegistry()
    const layout = await umociBase(folder)
    await skopeoCopy(`oci:${layout}:base`, `docker://${registry.host}/library/base:1`, '--dest-tls-verify=false')
    base = await inspect('library/base:1')
    expect(base.Layers).toHaveLength(3)
  })

  afterAll(async () => {
    await registry?.stop()
    await rm(folder, { recursive: true, force: true })
  })

  /** What was asked about the blob, but whether it is there. */
  const concerning = (asked: readonly string[], digest: string) =>
    asked.filter((line) => line.includes(digest.slice('sha256:'.length)) && !line.startsWith('HEAD '))
  const uploads = (asked: readonly string[]) => asked.filter((line) => /^PUT \S+\/blobs\//.test(line))

  it('mounts the untouched base layers from their repository and uploads one layer', async () => {
    const { made, asked } = await push(STEPS.adding, {}, 'team/app:1')
    expect(made.layers.slice(0, 3).map(({ digest }) => digest)).toEqual(base.Layers)
    expect(made.layers).toHaveLength(4)
    for (const digest of base.Layers) {
      expect(concerning(asked, digest).map((line) => line.replaceAll(/sha256(:|%3A)[0-9a-f]+/g, 'DIGEST'))).toEqual([
        expect.stringMatching(/^GET \/v2\/library\/base\/blobs\/DIGEST 200$/),
        expect.stringMatching(/^POST \/v2\/team\/app\/blobs\/uploads\/\?.*mount=.* 201$/),
      ])
    }
    expect(uploads(asked)).toHaveLength(2)
  })

  it('neither downloads nor uploads a layer for a spec that only changes the config', async () => {
    const { made, asked } = await push([], { config: { cmd: ['sh'] } }, 'team/config:1')
    expect((await inspect('team/config:1')).Layers).toEqual(base.Layers)
    expect(made.layers).toHaveLength(3)
    for (const digest of base.Layers) {
      expect(concerning(asked, digest)).toEqual([expect.stringMatching(/^POST .* 201$/)])
    }
    expect(uploads(asked)).toHaveLength(1)
  })

  it('opens two uploads and asks for no new blob, so that there is one answer of each to wait for', async () => {
    const tags = [`${registry.host}/team/few:1`]
    await build(STEPS.adding, {}, [], 'few')
    const changed = [...STEPS.adding, { write: '/more', text: 'changed\n' }]
    const { made, asked } = await build(changed, { tags }, ['--push'], 'few')
    const of = (method: string, rest = '') =>
      asked.filter((line) => line.startsWith(`${method} /v2/team/few/blobs/${rest}`))
    expect(of('POST', 'uploads/ 202')).toHaveLength(2)
    expect(of('PUT', 'uploads/')).toHaveLength(2)
    expect(of('HEAD').map((line) => line.split(/[/ ]/).at(-2))).toEqual(expect.arrayContaining(base.Layers))
    expect(of('HEAD')).toHaveLength(base.Layers.length)
    expect(of('DELETE')).toEqual([])
    expect(made.layers).toHaveLength(4)
  })

  it('uploads nothing when the same is pushed again', async () => {
    const tags = [`${registry.host}/team/again:1`]
    const { made: first } = await build(STEPS.adding, { tags }, ['--push'], 'again')
    const { made, asked } = await build(STEPS.adding, { tags }, ['--push'], 'again')
    expect(made.digest).toBe(first.digest)
    expect(asked.filter((line) => /^(POST|PATCH|PUT) \S+\/blobs\//.test(line))).toEqual([])
  })

  it('sends only what is small when another machine pushes the same again', async () => {
    const { made: first } = await push(STEPS.adding, {}, 'team/elsewhere:1')
    const { made, asked } = await push(STEPS.adding, {}, 'team/elsewhere:1')
    expect(made.digest).toBe(first.digest)
    expect(uploads(asked)).toHaveLength(2)
    for (const digest of base.Layers) expect(concerning(asked, digest)).toEqual([expect.stringMatching(/^GET /)])
  })

  it('gives the same image to every tag of every repository', async () => {
    const names = ['team/one:1', 'team/one:latest', 'other/two:1']
    const { made, asked } = await push(STEPS.adding, {}, ...names)
    for (const name of names) expect((await inspect(name)).Digest).toBe(made.digest)
    expect(made.tags).toEqual(names.map((name) => `${registry.host}/${name}`))
    expect(asked.filter((line) => line.startsWith('GET /v2/library/base/blobs/'))).toHaveLength(1 + 3)
    // A layer and a config, once for each repository at most.
    expect(uploads(asked).length).toBeLessThanOrEqual(4)
  })

  it('makes a layer with deletions that leaves the filesystem of a squashed image', async () => {
    const { made } = await push(STEPS.deleting, {}, 'team/deleting:append')
    await push(STEPS.deleting, { layers: 'squash' }, 'team/deleting:squash')
    const [appended, squashed] = [await unpacked('team/deleting:append'), await unpacked('team/deleting:squash')]
    expect(appended).toEqual(squashed)
    expect([...appended.keys()].filter((path) => /^\/(srv|bin\/ln)/.test(path))).toEqual([
      '/srv',
      '/srv/able',
      '/srv/made',
      '/srv/made/able',
      '/srv/the-same',
    ])
    expect(appended.get('/srv/made/able')?.text).toMatch(/^file 0644 65100:65100 .* = \/srv\/able \[security\.capab/)
    expect(appended.get('/dev/null')?.text).toMatch(/^char .* device 259$/)
    expect(made.layers.slice(0, 3).map(({ digest }) => digest)).toEqual(base.Layers)
  })

  it.each([
    ['gzip', 'oci', '.v1.tar+gzip'],
    ['zstd', 'oci', '.v1.tar+zstd'],
    ['none', 'oci', '.v1.tar'],
    ['gzip', 'docker', 'rootfs.diff.tar.gzip'],
  ])('other tools read a layer with compression %s and media types of %s', async (compression, mediaTypes, type) => {
    const name = `team/types:${compression}-${mediaTypes}`
    const { made } = await push(STEPS.adding, { compression, mediaTypes }, name)
    const manifest = await tool('skopeo', [
      'inspect',
      '--raw',
      '--tls-verify=false',
      `docker://${registry.host}/${name}`,
    ])
    const { layers, config } = JSON.parse(manifest) as {
      layers: { mediaType: string }[]
      config: { mediaType: string }
    }
    expect(layers.at(-1)?.mediaType).toMatch(new RegExp(`${type.replaceAll('.', '\\.').replace('+', '\\+')}$`))
    const ofDocker = [made, config, ...layers].map(({ mediaType }) => mediaType.includes('vnd.docker.'))
    expect(new Set(ofDocker)).toEqual(new Set([mediaTypes === 'docker']))
    const root = await unpacked(name)
    expect(root.get('/usr/lib/new.conf')?.text).toMatch(/^file 0640 65100:65100 /)
    expect(root.get('/lib')?.text).toBe('symlink 0777 0:0 -> usr/lib')
    expect(root.get('/srv/link')?.text).toBe('symlink 0777 0:0 -> deep/er/file')
    expect(root.get('/srv/deep')?.text).toBe('directory 0755 0:0')
    expect(root.get('/srv/one')).toEqual({ text: expect.stringMatching(/^file 0644 65100:1234567 /), mtime: 1.6e9 })
  })

  it('fetches the base layers for an output on disk, which has to hold them all', async () => {
    const layout = join(folder, 'output')
    const { made } = await build([], {}, ['--output', `oci:${layout}:1`])
    expect((await skopeoInspect(`oci:${layout}:1`)).Digest).toBe(made.digest)
    await tool('umoci', ['unpack', '--image', `${layout}:1`, join(folder, 'output-bundle')])
  })
})
