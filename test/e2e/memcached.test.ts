import { mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execa } from 'execa'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { talkToMemcached } from '../../scripts/demo/memcached-client.ts'
import type { Metadata } from '../../src/cli/metadata.ts'
import { startBundle } from '../support/bundle.ts'
import { type CliResult, runCli, SPECS } from '../support/cli.ts'
import { BASE_PATH, debianBase } from '../support/debian-base.ts'
import { type DescribedRoot, describeRoot } from '../support/described-root.ts'
import { referenceRoot } from '../support/reference-root.ts'
import { freePort, startRegistry, type TestRegistry } from '../support/registry.ts'
import { type S3, startS3 } from '../support/s3.ts'
import { sharedTarball } from '../support/shared-tarball.ts'
import { skopeoCopy, tool } from '../support/skopeo.ts'

/** Copied to by steps of data, which only date what they were given; a real folder remembers that something was added. */
const COPIED_INTO = '/opt'

/** Scripts log, cache and date things there: the named normalisers have them as the base has them, or date them anew. */
const NORMALISED = new Set([
  '/etc/shadow',
  '/etc/shadow-',
  '/var/cache/apt/pkgcache.bin',
  '/var/cache/apt/srcpkgcache.bin',
  '/var/cache/debconf/config.dat-old',
  '/var/cache/debconf/templates.dat-old',
  '/var/cache/ldconfig/aux-cache',
  '/var/log/alternatives.log',
  '/var/log/apt/eipp.log.xz',
  '/var/log/apt/history.log',
  '/var/log/apt/term.log',
  '/var/log/dpkg.log',
])

describe('specs/memcached.spec.ts, from a registry and from S3', () => {
  let folder = ''
  let registry: TestRegistry
  let s3: S3
  let baseDigest = ''
  let version = ''
  let image = ''
  let layout = ''
  let first: CliResult
  let metadata: Metadata
  let made: DescribedRoot
  let meant: DescribedRoot

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'ocibake-e2e-'))
    const [base, tarball] = [await debianBase(), await sharedTarball()]
    version = tarball.version
    registry = await startRegistry()
    s3 = await startS3()
    s3.createBucket('coredgeapplications')
    s3.put('coredgeapplications', tarball.key, await readFile(tarball.path))
    await skopeoCopy(`oci:${base}:base`, `docker://${registry.host}/library/debian:12`, '--dest-tls-verify=false')
    baseDigest = JSON.parse(await readFile(join(base, 'index.json'), 'utf8')).manifests[0].digest

    const options = { cache: folder, cwd: folder, env: s3.env }
    const values = {
      ...{ version, object: tarball.key, sha256: tarball.sha256 },
      base: `${registry.host}/library/debian:12`,
      tags: `${registry.host}/coredge/memcached:1`,
    }
    const vars = Object.entries(values).flatMap(([name, value]) => ['--var', `${name}=${value}`])

    const file = join(folder, 'metadata.json')
    await mkdir(join(folder, 'reference'))
    ;[first, meant] = await Promise.all([
      runCli(['build', join(SPECS, 'memcached.spec.ts'), ...vars, '--push', '--metadata-file', file], options),
      referenceRoot(`${base}:base`, tarball.path, join(folder, 'reference')).then(describeRoot),
    ])
    expect(first, first.stderr).toMatchObject({ code: 0 })
    metadata = JSON.parse(await readFile(file, 'utf8'))
    expect(first.stdout).toBe(metadata.digest)
    image = `docker://${registry.host}/coredge/memcached@${metadata.digest}`
    layout = join(folder, 'layout')
    await skopeoCopy(image, `oci:${layout}:made`, '--src-tls-verify=false')
    await tool('umoci', ['unpack', '--image', `${layout}:made`, join(folder, 'bundle')])
    made = await describeRoot(join(folder, 'bundle/rootfs'))
  }, 300_000)

  afterAll(async () => {
    await Promise.all([registry?.stop(), s3?.stop()])
    await rm(folder, { recursive: true, force: true })
  })

  it('has one layer, and the config that the spec means on top of that of the base', async () => {
    const config = JSON.parse(await tool('skopeo', ['inspect', '--config', '--tls-verify=false', image]))
    expect(config.rootfs.diff_ids).toEqual([metadata.layers[0]?.diffId])
    expect(config.config).toEqual({
      Env: [
        `PATH=/opt/coredge/memcached/bin:${BASE_PATH}`,
        'FROM_THE_BASE=yes',
        `APP_VERSION=${version}`,
        'COREDGE_APP_NAME=memcached',
      ],
      ExposedPorts: { '11211/tcp': {} },
      User: '65100',
      Entrypoint: ['/opt/coredge/scripts/memcached/entrypoint.sh'],
      Cmd: ['/opt/coredge/scripts/memcached/run.sh'],
      Labels: {
        'base.label': 'kept',
        'org.opencontainers.image.title': 'memcached',
        'org.opencontainers.image.version': version,
      },
    })
    const withLayer = config.history.filter((entry: { empty_layer?: boolean }) => entry.empty_layer !== true)
    expect(withLayer).toHaveLength(1)
    expect(config.history).toHaveLength(1 + 10 + 1)
  })

  it('names its base by name and digest', async () => {
    const manifest = JSON.parse(await tool('skopeo', ['inspect', '--raw', '--tls-verify=false', image]))
    expect(manifest.layers).toHaveLength(1)
    expect(manifest.annotations).toMatchObject({
      'org.opencontainers.image.base.name': `${registry.host}/library/debian:12`,
      'org.opencontainers.image.base.digest': baseDigest,
    })
  })

  it('has every entry as standard tools make it, but what normalisers name', () => {
    const paths = [...new Set([...made.keys(), ...meant.keys()])].sort()
    const different = paths.filter((path) => made.get(path)?.text !== meant.get(path)?.text)
    const unexplained = different.filter((path) => !NORMALISED.has(path))
    expect(unexplained.map((path) => [path, made.get(path)?.text, meant.get(path)?.text])).toEqual([])
    expect(paths.length).toBeGreaterThan(3000)
  })

  it('has the times that standard tools give, up to the time of the image', () => {
    const created = Math.floor(Date.parse(metadata.created) / 1000)
    const wrong = [...made].flatMap(([path, { mtime }]) => {
      const wanted = Math.min(meant.get(path)?.mtime ?? created, created)
      return mtime === wanted || NORMALISED.has(path) || path === COPIED_INTO
        ? []
        : [`${path}: ${mtime} instead of ${wanted}`]
    })
    expect(wrong).toEqual([])
  })

  it('has what the wildcard takes out of the tarball, and nothing else of it', () => {
    expect(made.get('/opt/coredge/memcached/bin/memcached')?.text).toMatch(/^file 0775 65100:65100 /)
    const names = [...made.keys()].map((path) => path.split('/').at(-1))
    expect(names.filter((name) => /^(decoy\.bin|filesystem\.txt|files\.txt|build\.sh|files)$/.test(name!))).toEqual([])
  })

  it('keeps keys and endpoint out of the image, the output and the logs', async () => {
    const secrets = [s3.accessKeyId, s3.secretAccessKey, new URL(s3.endpoint).host]
    const blobs = await filesBelow(join(layout, 'blobs'))
    const logs = await filesBelow(join(folder, 'store/logs'))
    expect(logs.length).toBeGreaterThan(0)
    for (const path of [...logs, ...blobs.filter((path) => !path.endsWith(layer()))]) {
      const text = await readFile(path, 'latin1')
      for (const secret of secrets) expect(text.includes(secret), `${secret} in ${path}`).toBe(false)
    }
    for (const secret of secrets) {
      expect(first.stdout + first.stderr).not.toContain(secret)
      const found = await execa('grep', ['-rlF', '--', secret, join(folder, 'bundle/rootfs')], { reject: false })
      expect(found.stdout).toBe('')
    }
  })

  it('runs as uid 65100 and answers a client of memcached', async () => {
    const port = await freePort()
    const env = { MEMCACHED_PORT_NUMBER: String(port), MEMCACHED_LISTEN_ADDRESS: '127.0.0.1' }
    const running = await startBundle(join(folder, 'bundle'), env)
    try {
      const requests = [['set greeting 0 60 5', 'hello'], ['get greeting'], ['version']]
      const answers = await talkToMemcached(port, requests, new AbortController().signal)
      expect(answers).toEqual(['STORED', 'VALUE greeting 0 5', 'hello', 'END', `VERSION ${version}`])
      expect(await running.owner()).toBe('65100 65100')
    } catch (error) {
      throw new Error(`The container said: ${await running.stop()}`, { cause: error })
    }
    await running.stop()
  })

  const layer = () => metadata.layers[0]!.digest.slice('sha256:'.length)
})

async function filesBelow(folder: string): Promise<string[]> {
  const found = await readdir(folder, { recursive: true, withFileTypes: true })
  return found.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
}
