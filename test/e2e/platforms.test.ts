import { existsSync, readFileSync } from 'node:fs'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { IndexMetadata } from '../../src/cli/metadata.ts'
import { DOCKER_LIST, DOCKER_MANIFEST, OCI_INDEX, OCI_MANIFEST } from '../../src/oci/media-types.ts'
import { bake, runCli } from '../support/cli.ts'
import { startRegistry, type TestRegistry } from '../support/registry.ts'
import { skopeoCopy, skopeoInspect, tool } from '../support/skopeo.ts'
import { pushTwoPlatforms, type StoredDocument, storedDocument } from '../support/two-platforms.ts'

const BOTH = "platform: ['linux/amd64', 'linux/arm64'],"

/** The body of a function for each platform; `fields` is text. */
const spec = (fields: string, steps = '') => `export default ({ platform, vars }) => ({
  from: vars.base,
  annotations: { 'org.example.name': 'app', 'org.example.platform': platform },
  ${fields}
  steps: [{ write: '/etc/platform', text: platform }, { copy: \`\${platform.split('/')[1]}/\`, to: '/opt' }, ${steps}],
})`

describe('a build for several platforms', () => {
  let folder = ''
  let registry: TestRegistry
  let base = ''
  let count = 0

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'ocibake-platforms-'))
    registry = await startRegistry()
    base = await pushTwoPlatforms(folder, registry.host)
    for (const name of ['amd64', 'arm64', 'riscv64']) {
      await tool('mkdir', [join(folder, name)])
      await writeFile(join(folder, name, 'program'), `for ${name}\n`)
    }
  })
  afterAll(async () => {
    await registry?.stop()
    await rm(folder, { recursive: true, force: true })
  })

  const named = (name: string) => `${registry.host}/${name}`
  const manifest = (name: string) => storedDocument(named(name))
  const caching = (cache: string) => ({ cache: join(folder, cache), cwd: folder })

  /** Writes a spec and runs a command on it. */
  const run = async (text: string, args: string[], cache = `cache-${++count}`) => {
    await writeFile(join(folder, 'app.spec.mjs'), text)
    const [command, ...others] = args
    return runCli([command!, 'app.spec.mjs', '--var', `base=${base}`, ...others], caching(cache))
  }
  const build = async (text: string, args: string[], cache?: string) => {
    const { code, stdout, stderr } = await run(text, ['build', ...args, '--metadata-file', 'm.json'], cache)
    expect(code, stderr).toBe(0)
    const made = JSON.parse(await readFile(join(folder, 'm.json'), 'utf8')) as IndexMetadata
    expect(stdout).toBe(made.digest)
    return { made, stderr }
  }
  const tags = (...names: string[]) => `tags: ${JSON.stringify(names.map(named))},`
  /** What of an image is in `/etc/platform` and `/opt/program`, as skopeo chooses it and umoci unpacks it. */
  const filesOf = async (from: string, architecture: string) => {
    const place = await mkdtemp(join(folder, 'unpacked-'))
    const options = ['--override-arch', architecture, '--src-tls-verify=false']
    await tool('skopeo', [
      '--insecure-policy',
      ...options.slice(0, 2),
      'copy',
      '--quiet',
      ...options.slice(2),
      from,
      `oci:${place}/oci:x`,
    ])
    await tool('umoci', ['raw', 'unpack', '--image', `${place}/oci:x`, join(place, 'root')])
    return ['etc/platform', 'opt/program'].map((path) => readFileSync(join(place, 'root', path), 'utf8'))
  }
  const FILES = {
    amd64: ['linux/amd64', 'for amd64\n'],
    arm64: ['linux/arm64', 'for arm64\n'],
  }

  it('makes an index with an image for each, of what the spec says for it', async () => {
    const { made, stderr } = await build(spec(`${BOTH} ${tags('team/app:1')}`), ['--push'])
    const { digest, mediaType, json } = (await manifest('team/app:1'))!
    expect([digest, mediaType]).toEqual([made.digest, OCI_INDEX])
    const images = await Promise.all(made.platforms.map((one) => manifest(`team/app@${one.digest}`)))
    expect(json.manifests).toEqual(
      images.map((image, at) => ({
        mediaType: OCI_MANIFEST,
        digest: image!.digest,
        size: image!.size,
        platform: { architecture: ['amd64', 'arm64'][at], os: 'linux' },
      })),
    )
    for (const [architecture, files] of Object.entries(FILES)) {
      expect(await filesOf(`docker://${named('team/app:1')}`, architecture)).toEqual(files)
    }
    expect(stderr).toMatch(/^app.spec.mjs: 2 steps, linux\/amd64\n.*^app.spec.mjs: 2 steps, linux\/arm64\n.*^index /ms)
    expect(stderr).toContain(`\nindex ${made.digest} (linux/amd64, linux/arm64)\n`)
  })

  it('annotates the index with what all its images have, and the newest time', async () => {
    const created = "created: platform === 'linux/arm64' ? '2024-07-01T00:00:00Z' : '2024-08-01T00:00:00Z',"
    await build(spec(`${BOTH} ${created} ${tags('team/annotated:1')}`), ['--push'])
    const { json } = (await manifest('team/annotated:1'))!
    expect(json.annotations).toEqual({
      'org.example.name': 'app',
      'org.opencontainers.image.base.digest': (await storedDocument(base))!.digest,
      'org.opencontainers.image.base.name': base,
      'org.opencontainers.image.created': '2024-08-01T00:00:00Z',
    })
  })

  it('says of each image in the metadata what it says of one, and prints the same as JSON', async () => {
    const text = spec(`${BOTH} ${tags('team/told:1')}`)
    const { made } = await build(text, ['--push'], 'told')
    expect(made).toMatchObject({
      spec: 'app.spec.mjs',
      mediaType: OCI_INDEX,
      tags: [named('team/told:1')],
      outputs: [],
    })
    expect(made.platforms.map(({ platform }) => platform)).toEqual(['linux/amd64', 'linux/arm64'])
    for (const image of made.platforms) {
      const alone = await build(spec(''), ['--platform', image.platform, '-o', 'oci:alone'], 'told')
      expect(alone.made).toEqual({ spec: 'app.spec.mjs', ...image, tags: [], outputs: ['oci:alone'] })
    }
    const blobs = new Map(
      made.platforms.flatMap(({ layers, config }) => [...layers, config]).map((b) => [b.digest, b.size]),
    )
    expect(made.size).toBe([...blobs.values()].reduce((sum, size) => sum + size, 0))
    const { stdout } = await run(text, ['build', '--push', '--progress', 'json'], 'told')
    expect(JSON.parse(stdout)).toEqual(made)
  })

  it('gives the same index in every cache folder, in a registry, in a folder and in an archive', async () => {
    const text = spec(`${BOTH} ${tags('team/same:1')}`)
    const outputs = ['-o', 'oci:layout:x', '-o', 'oci-archive:layout.tar:x']
    const { made } = await build(text, ['--push', ...outputs])
    expect((await build(text, ['-o', 'oci:again:x'])).made.digest).toBe(made.digest)
    expect((await manifest('team/same:1'))!.digest).toBe(made.digest)
    expect(made.outputs).toEqual(['oci:layout:x', 'oci-archive:layout.tar:x'])
    for (const [at, place] of ['oci:layout:x', 'oci-archive:layout.tar:x', 'oci:again:x'].entries()) {
      const from = place.replace(':', `:${folder}/`)
      const raw = JSON.parse(await tool('skopeo', ['inspect', '--raw', from]))
      expect(
        raw.manifests.map(({ digest }: StoredDocument) => digest),
        place,
      ).toEqual(made.platforms.map((p) => p.digest))
      const copy = `copied/app:${at}`
      await skopeoCopy(from, `docker://${named(copy)}`, '--all', '--preserve-digests', '--dest-tls-verify=false')
      expect((await manifest(copy))!.digest, place).toBe(made.digest)
      expect(await filesOf(from, 'arm64'), place).toEqual(FILES.arm64)
    }
    expect(JSON.parse(readFileSync(join(folder, 'layout/index.json'), 'utf8')).manifests).toEqual([
      expect.objectContaining({ mediaType: OCI_INDEX, digest: made.digest }),
    ])
  })

  it('is shown with all its images, whichever of them is looked at', async () => {
    const { made } = await build(spec(BOTH), ['-o', 'oci:seen:x'], 'shown')
    const images = made.platforms.map(({ platform, digest }) => ({ platform, digest }))
    const inspect = (...args: string[]) => bake(['inspect', 'oci:seen:x', ...args], caching('shown'))
    for (const { platform } of images) {
      const shown = await inspect('--platform', platform)
      expect(shown).toContain(`digest    ${made.digest}\n`)
      for (const image of images) expect(shown).toContain(`index     ${image.digest} ${image.platform}\n`)
      expect(shown).toContain(`platform  ${platform}\n`)
      const json = JSON.parse(await inspect('--platform', platform, '--json'))
      expect(json).toMatchObject({ digest: made.digest, index: images })
    }
  })

  it('uploads nothing and moves no tag when the same is pushed again', async () => {
    const text = spec(`${BOTH} ${tags('team/again:1', 'team/again:latest', 'other/again:1')}`)
    const { made } = await build(text, ['--push'], 'again')
    const before = (await registry.requests()).length
    const again = await build(text, ['--push'], 'again')
    expect(again.made).toEqual(made)
    const asked = (await registry.requests()).slice(before)
    expect(asked.filter((line) => /^(POST|PATCH|PUT) /.test(line))).toEqual([])
    for (const name of ['team/again:1', 'team/again:latest', 'other/again:1']) {
      expect((await manifest(name))!.digest).toBe(made.digest)
    }
  })

  it('leaves every tag as it was when the second platform fails, and gives none to the first', async () => {
    const fields = `${BOTH} ${tags('team/failing:1')}`
    const { made } = await build(spec(fields), ['--push'], 'failing')
    const fails = "...(platform === 'linux/arm64' ? [{ own: '/no', by: '0' }] : [{ write: '/new', text: 'new' }])"
    const more = `${BOTH} ${tags('team/failing:1', 'team/failing:2')}`
    const { code, stdout, stderr } = await run(spec(more, fails), ['build', '--push'], 'failing')
    expect({ code, stdout }, stderr).toEqual({ code: 1, stdout: '' })
    expect(stderr).toMatch(/^PATH_NOT_FOUND {2}app.spec.mjs, step 3 \(own\)$/m)
    expect((await manifest('team/failing:1'))!.digest).toBe(made.digest)
    const answer = await fetch(`http://${registry.host}/v2/team/failing/tags/list`)
    expect(await answer.json()).toEqual({ name: 'team/failing', tags: ['1'] })
  })

  it('never pushes a tag before all images are there', async () => {
    const before = (await registry.requests()).length
    const { made } = await build(spec(`${BOTH} ${tags('team/order:1', 'other/order:1')}`), ['--push'])
    const puts = (await registry.requests()).slice(before).filter((line) => /^PUT \S+\/manifests\//.test(line))
    const [amd64, arm64] = made.platforms.map(({ digest }) => digest)
    expect(puts.map((line) => line.replace(/^PUT \/v2\/(.*)\/manifests\/(\S+) 201$/, '$1 $2'))).toEqual([
      ...[`team/order ${amd64}`, `other/order ${amd64}`, `team/order ${arm64}`, `other/order ${arm64}`],
      ...['team/order 1', 'other/order 1'],
    ])
  })

  it("mounts the base's layers in both images of layers: 'append'", async () => {
    const before = (await registry.requests()).length
    const { made } = await build(spec(`${BOTH} layers: 'append', ${tags('team/append:1')}`), ['--push'])
    const asked = (await registry.requests()).slice(before)
    expect(asked.filter((line) => /^PUT \S+\/blobs\//.test(line))).toHaveLength(4)
    expect(asked.filter((line) => line.includes('mount=') && line.endsWith(' 201')).length).toBeGreaterThanOrEqual(3)
    expect(made.platforms.map(({ layers }) => layers.length)).toEqual([4, 4])
    const shared = made.platforms[0]!.layers.slice(0, 3).reduce((sum, { size }) => sum + size, 0)
    expect(made.size).toBe(made.platforms.reduce((sum, { size }) => sum + size, 0) - shared)
  })

  it("makes Docker's list of images of Docker's types", async () => {
    await build(spec(`${BOTH} mediaTypes: 'docker', ${tags('team/docker:1')}`), ['--push'])
    const { mediaType, json } = (await manifest('team/docker:1'))!
    expect(mediaType).toBe(DOCKER_LIST)
    expect(Object.keys(json)).toEqual(['schemaVersion', 'mediaType', 'manifests'])
    expect(json.manifests.map((entry: StoredDocument) => entry.mediaType)).toEqual([DOCKER_MANIFEST, DOCKER_MANIFEST])
    expect(await filesOf(`docker://${named('team/docker:1')}`, 'arm64')).toEqual(FILES.arm64)
  })

  it('makes a plain image where one platform is named, also as a list', async () => {
    const { made } = await build(spec("platform: ['linux/arm64'],"), ['-o', 'oci:one:list'])
    expect(made.mediaType).toBe(OCI_MANIFEST)
    const alone = await build(spec("platform: 'linux/arm64',"), ['-o', 'oci:one:text'])
    const wished = await build(spec(BOTH), ['--platform', 'linux/aarch64', '-o', 'oci:one:wished'])
    expect([alone.made.digest, wished.made.digest]).toEqual([made.digest, made.digest])
  })

  it('builds for those of the command line instead of those of the spec, in their order', async () => {
    const args = ['--platform', 'linux/arm64', '--platform', 'linux/amd64', '-o', 'oci:wished:x']
    const { made } = await build(spec("platform: 'linux/riscv64',"), args)
    expect(made.platforms.map(({ platform }) => platform)).toEqual(['linux/arm64', 'linux/amd64'])
  })

  it('stands on an index that it has made', async () => {
    await build(spec(BOTH), ['-o', 'oci:below:x'])
    const text = `export default { from: 'oci:below:x', ${BOTH} steps: [{ write: '/new', text: '' }] }`
    await writeFile(join(folder, 'above.spec.mjs'), text)
    await bake(['build', 'above.spec.mjs', '-o', 'oci:above:x'], caching('cache-above'))
    for (const [architecture, files] of Object.entries(FILES)) {
      expect(await filesOf(`oci:${folder}/above:x`, architecture)).toEqual(files)
    }
  })

  it('leaves what is written on this machine when the push fails', async () => {
    const closed = await startRegistry({ auth: 'basic' })
    try {
      const args = ['--push', '--tag', `${closed.host}/app:1`, '-o', 'oci:kept:x']
      const { code, stderr } = await run(spec(BOTH), ['build', ...args])
      expect(code, stderr).toBe(3)
      expect((await skopeoInspect(`oci:${folder}/kept:x`)).Layers).toHaveLength(1)
    } finally {
      await closed.stop()
    }
  })

  it.each([
    [
      'an index that lacks one',
      () => base,
      'linux/amd64,linux/riscv64',
      /has no image for linux\/riscv64; it has linux\/amd64, linux\/arm64/,
    ],
    [
      'one image',
      () => named('library/base:amd64'),
      'linux/amd64,linux/arm64',
      /base:amd64 is for linux\/amd64; wanted linux\/amd64 and linux\/arm64/,
    ],
  ])('ends before the first step where the base is %s', async (_, from, platforms, message) => {
    await writeFile(join(folder, 'lacking.spec.mjs'), spec(''))
    const args = ['build', 'lacking.spec.mjs', '--var', `base=${from()}`, '--platform', platforms, '--progress', 'json']
    const { code, stderr } = await runCli(args, caching('lacking'))
    const events = stderr.split('\n').map((line) => JSON.parse(line))
    expect(code).toBe(1)
    expect(events.at(-1)).toMatchObject({ code: 'PLATFORM_MISSING', message: expect.stringMatching(message) })
    expect(events.filter(({ type }) => type === 'step-started' || type === 'build-started')).toEqual([])
  })

  it('has no image twice, for two variants of which there is but one', async () => {
    await writeFile(join(folder, 'variants.spec.json'), JSON.stringify({ from: named('library/base:amd64') }))
    const args = ['build', 'variants.spec.json', '--platform', 'linux/amd64,linux/amd64/v3']
    const { code, stderr } = await runCli(args, caching('variants'))
    expect(code).toBe(1)
    expect(stderr).toMatch(/base:amd64 is for linux\/amd64; wanted linux\/amd64 and linux\/amd64\/v3, each once/)
  })

  it.each(['docker-archive:x.tar', 'rootfs:x.tar'])('has no %s output', async (output) => {
    const { code, stderr } = await run(spec(BOTH), ['build', '-o', output], 'unused')
    expect(code).toBe(2)
    expect(stderr).toContain('linux/amd64 and linux/arm64')
    expect(stderr).toContain('--platform linux/amd64')
    expect(existsSync(join(folder, 'unused/store/blobs'))).toBe(false)
  })

  it('says of a script for another processor what it lacks here', async () => {
    // A program of s390x by its ELF header, which no kernel runs elsewhere.
    const steps = "{ run: 'true', shell: ['/opt/sh', '-c'] }"
    const elf = await readFile('/bin/busybox')
    elf.writeUInt16LE(22, 18)
    await tool('mkdir', ['-p', join(folder, 's390x')])
    await writeFile(join(folder, 's390x/sh'), elf, { mode: 0o755 })
    await writeFile(join(folder, 'foreign.spec.mjs'), spec('', steps))
    const args = ['build', 'foreign.spec.mjs', '--var', 'base=scratch', '--platform', 'linux/s390x']
    const { code, stderr } = await runCli(args, caching('foreign'))
    expect(code).toBe(1)
    expect(stderr).toMatch(/^RUN_FAILED {2}foreign.spec.mjs, step 3 \(run\)$/m)
    expect(stderr).toMatch(/-> The image is for linux\/s390x, and this machine is linux\/\w+\. .*binfmt_misc with qemu/)
  })

  it('imports a Dockerfile for each of them', async () => {
    const lines = [`ARG BASE`, 'FROM $BASE', 'ARG TARGETARCH TARGETPLATFORM', 'COPY $TARGETARCH/ /opt/']
    await writeFile(join(folder, 'Dockerfile'), [...lines, 'LABEL for=$TARGETPLATFORM', ''].join('\n'))
    const args = ['--platform', 'linux/amd64,linux/arm64', '-o', 'oci:dockerfile:x']
    const result = await runCli(['build', 'Dockerfile', '--var', `BASE=${base}`, ...args], caching('cache-dockerfile'))
    expect(result.code, result.stderr).toBe(0)
    expect(result.stderr).not.toContain('OB238')
    await bake(['import', 'Dockerfile', '--output', 'imported.spec.mts'], caching('cache-dockerfile'))
    const written = ['build', 'imported.spec.mts', '--var', `BASE=${base}`, ...args.slice(0, 2), '-o', 'oci:imported:x']
    expect(await bake(written, caching('cache-dockerfile'))).toBe(result.stdout)
    for (const architecture of ['amd64', 'arm64']) {
      const inspected = await tool('skopeo', ['--override-arch', architecture, 'inspect', `oci:${folder}/dockerfile:x`])
      expect(JSON.parse(inspected)).toMatchObject({
        Architecture: architecture,
        Labels: { for: `linux/${architecture}` },
      })
    }
  })

  it('is checked and planned for each of them', async () => {
    expect((await run(spec(BOTH), ['validate'])).stdout).toBe('app.spec.mjs: valid')
    const { stdout } = await run(spec(BOTH), ['plan'])
    expect(stdout.match(/^app.spec.mjs: app, .*$/gm)).toEqual([
      'app.spec.mjs: app, linux/amd64',
      'app.spec.mjs: app, linux/arm64',
    ])
    expect(stdout).toMatch(/copy amd64\/ -> \/opt.*copy arm64\/ -> \/opt/s)
    const wrong = await run(spec(`${BOTH} name: platform === 'linux/arm64' ? 7 : 'app',`), ['validate'])
    expect(wrong.code).toBe(2)
    expect(wrong.stderr).toContain('app.spec.mjs for linux/arm64 has a mistake')
  })

  it.each([
    ['tags', "tags: ['localhost:1/app:' + platform.slice(6)],"],
    ['name', "name: platform.replace('/', '-'),"],
    ['mediaTypes', "mediaTypes: platform === 'linux/arm64' ? 'docker' : 'oci',"],
    ['platform', 'platform,'],
  ])('is refused where the spec has another `%s` for each', async (field, fields) => {
    const { code, stderr } = await run(spec(fields), ['validate', '--platform', 'linux/amd64,linux/arm64'])
    expect(code).toBe(2)
    expect(stderr).toMatch(/^SPEC_INVALID\n/)
    expect(stderr).toContain(`another \`${field}\``.replace(/^another (?!`platform)/, 'other '))
  })
})
