import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execa } from 'execa'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Metadata } from '../../src/cli/metadata.ts'
import { bake, runCli } from '../support/cli.ts'
import { REGISTRY_USER, startRegistry, type TestRegistry } from '../support/registry.ts'
import { skopeoCopy, tool } from '../support/skopeo.ts'
import { umociBase } from '../support/umoci-base.ts'

/** Of two specs: the whole of the base, and the layer over it. */
const SPEC = (layers: string) => `export default ({ vars }) => ({
  from: vars.base,
  layers: '${layers}',
  steps: [
    { run: 'mkdir made; cat /srv/one >made/copy; rm /srv/the-same; chmod 0700 /srv/able' },
    { own: '/srv/made', by: 'core:core' },
    { write: '/lib/text', text: 'text' },
    { remove: '/srv/replaced/*' },
  ],
})`

interface Outcome {
  /** Of the squashed layer, and of the appended one. */
  readonly diffIds: (string | undefined)[]
  readonly digests: (string | undefined)[]
}

describe('the same image as a base', () => {
  let folder = ''
  let layout = ''
  let open: TestRegistry
  let closed: TestRegistry
  let wanted: Outcome
  let count = 0

  const build = async (base: string, env: Record<string, string> = {}, ...more: string[]) => {
    const cache = join(folder, `cache-${++count}`)
    await mkdir(cache)
    const one = async (layers: string) => {
      const metadata = join(cache, `${layers}.json`)
      const outputs = ['--output', `oci:${cache}/out:${layers}`, '--metadata-file', metadata]
      const spec = join(folder, `${layers}.spec.mjs`)
      await bake(['build', spec, '--var', `base=${base}`, ...outputs, ...more], { cache, env })
      return JSON.parse(await readFile(metadata, 'utf8')) as Metadata
    }
    return [await one('squash'), await one('append')] as const
  }
  const outcomeOf = (built: readonly Metadata[]): Outcome => {
    const last = built.map(({ layers }) => layers.at(-1))
    return { diffIds: last.map((layer) => layer?.diffId), digests: last.map((layer) => layer?.digest) }
  }
  let anew: string | undefined
  /** Without the base's gzip blobs there is nothing to copy from: the squashed layer is compressed as a whole. */
  const expectAnew = (built: readonly Metadata[]) => {
    const { diffIds, digests } = outcomeOf(built)
    expect(diffIds).toEqual(wanted.diffIds)
    expect(digests[1]).toBe(wanted.digests[1])
    anew ??= digests[0]
    expect(digests[0]).toBe(anew)
    expect(digests[0]).not.toBe(wanted.digests[0])
  }

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'ocibake-e2e-'))
    for (const layers of ['squash', 'append']) await writeFile(join(folder, `${layers}.spec.mjs`), SPEC(layers))
    ;[open, closed] = [await startRegistry(), await startRegistry({ auth: 'basic' })]
    layout = await umociBase(folder)
    wanted = outcomeOf(await build(`oci:${layout}:base`))
  })

  afterAll(async () => {
    await Promise.all([open?.stop(), closed?.stop()])
    await rm(folder, { recursive: true, force: true })
  })

  const copyToRegistry = async (registry: TestRegistry, name: string, ...options: string[]) => {
    const { username, password } = REGISTRY_USER
    const credentials = registry === closed ? ['--dest-creds', `${username}:${password}`] : []
    const place = `docker://${registry.host}/${name}`
    await skopeoCopy(`oci:${layout}:base`, place, '--dest-tls-verify=false', ...credentials, ...options)
    return `${registry.host}/${name}`
  }
  const rawManifest = async (image: string) =>
    tool('skopeo', ['inspect', '--raw', ...(image.startsWith('docker:') ? ['--tls-verify=false'] : []), image])

  it.each([
    ['of OCI', 'oci', 'tar+gzip'],
    ['of Docker', 'v2s2', 'diff.tar.gzip'],
  ])('from a registry with media types %s gives the same layers', async (_, format, type) => {
    const name = await copyToRegistry(open, `library/${format}:1`, '--format', format)
    expect(await rawManifest(`docker://${name}`)).toContain(`${type}"`)
    expect(outcomeOf(await build(name))).toEqual(wanted)
  })

  it('from an oci-archive gives the same layers', async () => {
    const place = `oci-archive:${join(folder, 'oci-archive.tar')}:base`
    await skopeoCopy(`oci:${layout}:base`, place)
    expect(outcomeOf(await build(place))).toEqual(wanted)
  })

  it('from a docker-archive, whose layers are not compressed, gives the same layers but for their compression', async () => {
    const place = `docker-archive:${join(folder, 'docker-archive.tar')}:some/base:1`
    await skopeoCopy(`oci:${layout}:base`, place)
    expectAnew(await build(place))
  })

  it('from a layout with layers of zstd gives the same layers but for their compression', async () => {
    const zstd = `oci:${join(folder, 'zstd')}:1`
    await skopeoCopy(`oci:${layout}:base`, zstd, '--dest-compress-format', 'zstd')
    expect(await rawManifest(zstd)).toContain('tar+zstd"')
    expectAnew(await build(zstd))
  })

  it('from a layout with uncompressed layers gives the same layers but for their compression', async () => {
    const plain = `oci:${join(folder, 'plain')}:1`
    await skopeoCopy(`oci:${layout}:base`, `dir:${join(folder, 'dir')}`, '--dest-decompress')
    await skopeoCopy(`dir:${join(folder, 'dir')}`, plain, '--dest-oci-accept-uncompressed-layers')
    expect(await rawManifest(plain)).toContain('layer.v1.tar"')
    expectAnew(await build(plain))
  })

  it('from a layout that calls plain layers gzip, as skopeo 1.9 makes it, gives the same layers as any uncompressed', async () => {
    const archive = `docker-archive:${join(folder, 'misnamed.tar')}`
    const misnamed = `oci:${join(folder, 'misnamed')}:1`
    await skopeoCopy(`oci:${layout}:base`, archive)
    await skopeoCopy(archive, misnamed, '--dest-oci-accept-uncompressed-layers')
    expectAnew(await build(misnamed))
  })

  describe('from a registry that wants a password', () => {
    let name = ''
    const login = async (authFile: string) => {
      const { username, password } = REGISTRY_USER
      const args = ['login', '--authfile', authFile, '--username', username, '--password-stdin', '--tls-verify=false']
      await execa('skopeo', [...args, closed.host], { input: password })
    }

    beforeAll(async () => {
      name = await copyToRegistry(closed, 'library/base:1')
    })

    it("gives the same layers with Docker's config.json", async () => {
      const config = await mkdtemp(join(folder, 'docker-'))
      await login(join(config, 'config.json'))
      expect(outcomeOf(await build(name, { DOCKER_CONFIG: config }))).toEqual(wanted)
    })

    it("gives the same layers with podman's auth.json", async () => {
      const runtime = await mkdtemp(join(folder, 'runtime-'))
      await mkdir(join(runtime, 'containers'))
      await login(join(runtime, 'containers/auth.json'))
      expect(outcomeOf(await build(name, { XDG_RUNTIME_DIR: runtime }))).toEqual(wanted)
    })

    it('ends with 3 without it', async () => {
      const spec = join(folder, 'squash.spec.mjs')
      const { code, stdout } = await runCli(['build', spec, '--var', `base=${name}`], { cache: folder, cwd: folder })
      expect({ code, stdout }).toEqual({ code: 3, stdout: '' })
    })
  })

  it('from an index gives the same layers, of the platform that is wanted', async () => {
    const arm = `${layout}:arm`
    await tool('umoci', ['config', '--image', `${layout}:base`, '--tag', 'arm', '--architecture', 'arm64'])
    await tool('umoci', ['insert', '--image', arm, join(folder, 'second'), '/srv/of-arm'])
    const digest = await pushIndex(`${open.host}/library/index`, {
      amd64: `oci:${layout}:base`,
      arm64: `oci:${arm}`,
    })
    const index = `${open.host}/library/index:1`
    const amd = await build(index, {}, '--platform', 'linux/amd64')
    expect(outcomeOf(amd)).toEqual(wanted)
    expect(amd[0].platform).toBe('linux/amd64')
    const manifest = JSON.parse(await rawManifest(`oci:${join(folder, `cache-${count}`, 'out')}:append`))
    expect(manifest.annotations['org.opencontainers.image.base.digest']).toBe(digest)
    const [squashed, appended] = await build(index, {}, '--platform', 'linux/arm64')
    expect(squashed.platform).toBe('linux/arm64')
    expect(appended.layers).toHaveLength(3 + 1 + 1)
    expect(outcomeOf([squashed, appended])).not.toEqual(wanted)
  })

  it('gives an image of the new files alone from scratch', async () => {
    const spec = join(folder, 'scratch.spec.json')
    const steps = [{ write: '/only', text: 'file' }]
    await writeFile(spec, JSON.stringify({ from: 'scratch', steps, layers: 'append' }))
    await bake(['build', spec, '--output', `oci:${folder}/scratch:1`], { cache: join(folder, 'cache-scratch') })
    await tool('umoci', ['unpack', '--image', `${folder}/scratch:1`, join(folder, 'scratch-bundle')])
    expect(await tool('find', [join(folder, 'scratch-bundle/rootfs'), '-mindepth', '1', '-printf', '%P'])).toBe('only')
  })
})

/** Pushes the images, and an index of them by platform under the tag 1. @returns the index's digest */
async function pushIndex(repository: string, images: Record<string, string>): Promise<string> {
  const manifests: object[] = []
  for (const [architecture, image] of Object.entries(images)) {
    await skopeoCopy(image, `docker://${repository}:${architecture}`, '--dest-tls-verify=false')
    const inspected = await tool('skopeo', ['inspect', '--tls-verify=false', `docker://${repository}:${architecture}`])
    const raw = await tool('skopeo', [
      'inspect',
      '--raw',
      '--tls-verify=false',
      `docker://${repository}:${architecture}`,
    ])
    const mediaType = 'application/vnd.oci.image.manifest.v1+json'
    const { Digest: digest } = JSON.parse(inspected)
    manifests.push({ mediaType, digest, size: Buffer.byteLength(raw), platform: { os: 'linux', architecture } })
  }
  const mediaType = 'application/vnd.oci.image.index.v1+json'
  const body = JSON.stringify({ schemaVersion: 2, mediaType, manifests })
  const [host, ...path] = repository.split('/')
  const address = `http://${host}/v2/${path.join('/')}/manifests/1`
  const answer = await fetch(address, { method: 'PUT', body, headers: { 'content-type': mediaType } })
  if (answer.status !== 201) throw new Error(`the registry answered ${answer.status}: ${await answer.text()}`)
  return answer.headers.get('docker-content-digest')!
}
