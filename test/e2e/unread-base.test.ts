import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Metadata } from '../../src/cli/metadata.ts'
import { bake, runCli } from '../support/cli.ts'
import { type DescribedRoot, describeImage } from '../support/described-root.ts'
import { startRegistry, type TestRegistry } from '../support/registry.ts'
import { skopeoCopy, skopeoInspect, tool } from '../support/skopeo.ts'
import { umociBase } from '../support/umoci-base.ts'

const STEPS = [
  { copy: 'app', to: '/opt/app', owner: '65100:65100' },
  { write: '/tmp/cache/one', text: 'in a folder that others may write to\n' },
  { write: '/root/.profile', text: 'umask 077\n', mode: '0600' },
  { write: '/srv/one', text: 'instead of the base’s\n' },
  { link: '/usr/lib/app', target: '/opt/app' },
  { own: '/opt/app/data', by: '65101:65101' },
]

describe('readBase: false', () => {
  let folder = ''
  let registry: TestRegistry
  let base: { Digest: string; Layers: string[] }
  let count = 0

  const specOf = async (fields: object) => {
    const spec = join(folder, `${++count}.spec.json`)
    const from = `${registry.host}/library/base:1`
    await writeFile(spec, JSON.stringify({ from, layers: 'append', readBase: false, steps: STEPS, ...fields }))
    return spec
  }
  /** Builds with an empty cache; `asked` is what the registry was asked meanwhile. */
  const build = async (fields: object, ...args: string[]) => {
    const spec = await specOf(fields)
    const before = (await registry.requests()).length
    const metadata = join(folder, `${count}.json`)
    await bake(['build', spec, ...args, '--metadata-file', metadata], { cache: join(folder, `cache-${count}`) })
    const made = JSON.parse(await readFile(metadata, 'utf8')) as Metadata
    return { made, asked: (await registry.requests()).slice(before) }
  }
  const push = (name: string, fields: object = {}) => build({ tags: [`${registry.host}/${name}`], ...fields }, '--push')
  const fails = async (fields: object, ...args: string[]) => {
    const spec = await specOf(fields)
    return await runCli(['build', spec, ...args], { cache: join(folder, `cache-${count}`), cwd: folder })
  }

  const unpacked = async (name: string): Promise<DescribedRoot> => {
    const place = await mkdtemp(join(folder, 'unpacked-'))
    await skopeoCopy(`docker://${registry.host}/${name}`, `oci:${place}/oci:x`, '--src-tls-verify=false')
    return describeImage(`${place}/oci:x`, join(place, 'root'))
  }
  const texts = (root: DescribedRoot) => Object.fromEntries([...root].map(([path, { text }]) => [path, text]))

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'ocibake-e2e-'))
    await mkdir(join(folder, 'app/data'), { recursive: true })
    await writeFile(join(folder, 'app/run.sh'), '#!/bin/sh\n', { mode: 0o755 })
    await writeFile(join(folder, 'app/data/one'), 'one\n')
    registry = await startRegistry()
    const layout = await umociBase(folder)
    await skopeoCopy(`oci:${layout}:base`, `docker://${registry.host}/library/base:1`, '--dest-tls-verify=false')
    const config = ['--config.env', 'NEWER=yes', '--created', '2025-05-06T07:08:09Z']
    await tool('umoci', ['config', '--image', `${layout}:base`, '--tag', 'newer', ...config])
    await skopeoCopy(`oci:${layout}:newer`, `docker://${registry.host}/library/base:2`, '--dest-tls-verify=false')
    base = await skopeoInspect(`docker://${registry.host}/library/base:1`)
  })

  afterAll(async () => {
    await registry?.stop()
    await rm(folder, { recursive: true, force: true })
  })

  it('downloads nothing of the base but manifest and config', async () => {
    const { made, asked } = await push('team/app:1')
    expect(made.layers.slice(0, -1).map(({ digest }) => digest)).toEqual(base.Layers)
    const fetched = asked.filter((line) => line.startsWith('GET /v2/library/base/'))
    expect(fetched.map((line) => line.replace(/sha256(:|%3A)[0-9a-f]+/, 'DIGEST'))).toEqual([
      'GET /v2/library/base/manifests/1 200',
      'GET /v2/library/base/blobs/DIGEST 200',
    ])
    for (const digest of base.Layers) expect(fetched.join()).not.toContain(digest.slice('sha256:'.length))
  })

  it('makes the files and folders of an image whose base was read', async () => {
    await push('team/unread:1')
    await push('team/read:1', { readBase: true })
    const [unread, read] = [texts(await unpacked('team/unread:1')), texts(await unpacked('team/read:1'))]
    // The base has no such folder, so that a file makes it as any other.
    expect([unread['/root'], read['/root']]).toEqual(['directory 0700 0:0', 'directory 0755 0:0'])
    expect({ ...unread, '/root': '' }).toEqual({ ...read, '/root': '' })
    expect(unread['/tmp']).toBe('directory 1777 0:0')
    expect(unread['/opt/app/data']).toBe('directory 0755 65101:65101')
  })

  it('makes the same layer for a newer base, whose time the image has', async () => {
    const first = await push('team/first:1')
    const second = await push('team/second:1', { from: `${registry.host}/library/base:2` })
    expect(second.made.layers.at(-1)).toEqual(first.made.layers.at(-1))
    expect(second.made.digest).not.toBe(first.made.digest)
    const inspect = (name: string) => skopeoInspect(`docker://${registry.host}/team/${name}:1`)
    expect(await inspect('first')).toMatchObject({ Created: '2024-05-06T07:08:09Z' })
    expect(await inspect('second')).toMatchObject({ Created: '2025-05-06T07:08:09Z' })
  })

  it('has no folder in the layer that no file is in', async () => {
    const { made } = await push('team/small:1', { steps: [{ write: '/etc/app.conf', text: 'x\n' }] })
    const layer = join(registry.storage, 'docker/registry/v2/blobs/sha256', blobPath(made.layers.at(-1)!.digest))
    const listed = await tool('tar', ['-tvzf', layer])
    expect(
      listed
        .trim()
        .split('\n')
        .map((line) => line.split(' ').at(-1)),
    ).toEqual(['./', 'etc/', 'etc/app.conf'])
  })

  it('adds no layer for steps that add nothing', async () => {
    await mkdir(join(folder, 'nothing'), { recursive: true })
    const { made } = await push('team/nothing:1', { steps: [{ copy: 'nothing', to: '/' }] })
    expect(made.layers.map(({ digest }) => digest)).toEqual(base.Layers)
  })

  it('fetches the base for an output on disk, which has to hold it', async () => {
    const layout = join(folder, 'output')
    const { made } = await build({}, '--output', `oci:${layout}:1`)
    expect((await skopeoInspect(`oci:${layout}:1`)).Digest).toBe(made.digest)
    await tool('umoci', ['unpack', '--image', `${layout}:1`, join(folder, 'output-bundle')])
  })

  it('refuses a folder where the base may have a symlink', async () => {
    const { code, stderr } = await fails({ steps: [{ write: '/lib/x', text: '' }] })
    expect(code).toBe(1)
    expect(stderr).toMatch(
      /a folder \/lib, which is a symlink to \/usr\/lib in some bases.*\n.*-> Lay the files below \/usr/s,
    )
  })

  it.each([
    [{ copy: 'app/run.sh', to: '/bin' }, 'a file /bin'],
    [{ link: '/lib64', target: 'usr/lib64' }, 'a symlink /lib64'],
    [{ link: '/var/run', target: '/elsewhere' }, 'a symlink /var/run'],
  ])('refuses %j, which would take the place of a folder or of a symlink', async (step, what) => {
    const { code, stderr } = await fails({ steps: [step] })
    expect(code).toBe(1)
    expect(stderr).toContain(`The layer would have ${what}, which is a symlink`)
  })

  it('mounts the layers of the base in each repository, and from build to build', async () => {
    const names = ['team/two:1', 'other/two:1'].map((name) => `${registry.host}/${name}`)
    const spec = await specOf({ tags: names })
    const cache = join(folder, 'cache-two')
    const asked = async (...args: string[]) => {
      const before = (await registry.requests()).length
      await bake(['build', spec, '--push', ...args], { cache })
      return (await registry.requests()).slice(before).filter((line) => !line.startsWith('HEAD '))
    }
    const hexes = base.Layers.map((digest) => digest.slice('sha256:'.length))
    const ofBase = (lines: readonly string[]) => lines.filter((line) => hexes.some((hex) => line.includes(hex)))
    expect(ofBase(await asked()).map((line) => line.split(' ')[0])).toEqual(Array(6).fill('POST'))
    // The layer is known now.
    const third = ofBase(await asked('--tag', `${registry.host}/third/two:1`))
    expect(third.map((line) => line.split(' ')[0])).toEqual(Array(3).fill('POST'))
  })

  it('refuses a file where the base has a folder, which is not known to be one', async () => {
    const { code, stderr } = await fails({ steps: [{ copy: 'app/run.sh', to: '/usr/local/bin' }] })
    expect(code).toBe(1)
    expect(stderr).toMatch(
      /a file \/usr\/local\/bin, and take the place(.|\n)*`to` ends with a slash: '\/usr\/local\/bin\/'/,
    )
  })

  it('says why it does not find what the base has', async () => {
    const { code, stderr } = await fails({ steps: [{ chmod: '/srv/one', mode: '0600' }] })
    expect(code).toBe(1)
    expect(stderr).toMatch(/step 1 \(chmod\)(.|\n)*-> Of the base nothing is known: leave `readBase: false` out/)
  })

  it('refuses an output that is the whole filesystem', async () => {
    const { code, stderr } = await fails({}, '--output', `rootfs:${join(folder, 'root.tar')}`)
    expect(code).toBe(2)
    expect(stderr).toMatch(/`readBase: false`, and a rootfs: output has all that is in the base/)
  })
})

const blobPath = (digest: string) => `${digest.slice(7, 9)}/${digest.slice(7)}/data`
