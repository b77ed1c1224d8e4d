import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { talkToMemcached } from '../../scripts/demo/memcached-client.ts'
import { startBundle } from '../support/bundle.ts'
import { bake } from '../support/cli.ts'
import { MEMCACHED_PACKAGES, packagesBase } from '../support/packages-base.ts'
import { freePort, startRegistry, type TestRegistry } from '../support/registry.ts'
import { type S3, startS3 } from '../support/s3.ts'
import { sharedTarball } from '../support/shared-tarball.ts'
import { tool } from '../support/skopeo.ts'

const FIXTURE = join(import.meta.dirname, '../import/fixtures/memcached')
const OBJECT = 'memcached/v1.6.21-0/memcached-1.6.21-0-linux-amd64-debian-11.tar.gz'

const NETCAT = [
  'Package: netcat',
  'Status: install ok installed',
  'Version: 1',
  'Architecture: all',
  'Description: none',
]

/** What the template expects of its base: a user, a package `netcat`, and an apt that can do without passwd. */
const standIn = (layout: string) => {
  const run = [
    'groupadd --gid 65100 core',
    'useradd --uid 65100 --key UID_MAX=65100 --gid core --home-dir /opt/coredge --shell /bin/bash core',
    "sed -i '/^Package: adduser$/,/^$/{/^Depends:/d}' /var/lib/dpkg/status",
    `printf '%s\\n' '${NETCAT.join("' '")}' '' >> /var/lib/dpkg/status`,
  ]
  return JSON.stringify({ from: `oci:${layout}:base`, layers: 'append', steps: [{ run, network: 'none' }] })
}

describe('the Packer template of memcached, unchanged', () => {
  let folder = ''
  let registry: TestRegistry
  let s3: S3
  let args: string[] = []
  let digest = ''
  const ocibake = (words: string[]) => bake(words, { cache: folder, cwd: folder, env: s3.env })

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'ocibake-import-'))
    const [base, tarball] = [await packagesBase(MEMCACHED_PACKAGES), await sharedTarball()]
    registry = await startRegistry()
    s3 = await startS3()
    s3.createBucket('coredgeapplications')
    s3.put('coredgeapplications', OBJECT, await readFile(tarball.path))
    await cp(FIXTURE, folder, { recursive: true, dereference: true })
    await writeFile(join(folder, 'base.spec.json'), standIn(base))
    args = ['--insecure-registry', registry.host, '--mirror', `docker.io=${registry.host}`]
    const tag = `${registry.host}/coredgeio/ubuntu-base-beta:v1`
    await ocibake(['build', 'base.spec.json', '--tag', tag, '--push', ...args])
    await ocibake(['import', 'memcached.pkr.hcl', '--force'])
    digest = await ocibake(['build', 'memcached.spec.ts', ...args])
  }, 300_000)

  afterAll(async () => {
    await Promise.all([registry?.stop(), s3?.stop()])
    await rm(folder, { recursive: true, force: true })
  })

  it('is imported into an image that runs memcached as uid 65100', async () => {
    await tool('umoci', ['unpack', '--image', `${folder}/out/memcached:latest`, join(folder, 'bundle')])
    const port = await freePort()
    const env = { MEMCACHED_PORT_NUMBER: String(port), MEMCACHED_LISTEN_ADDRESS: '127.0.0.1' }
    const running = await startBundle(join(folder, 'bundle'), env)
    try {
      const requests = [['set greeting 0 60 5', 'hello'], ['get greeting']]
      const answers = await talkToMemcached(port, requests, new AbortController().signal)
      expect(answers).toEqual(['STORED', 'VALUE greeting 0 5', 'hello', 'END'])
      expect(await running.owner()).toBe('65100 65100')
    } catch (error) {
      throw new Error(`The container said: ${await running.stop()}`, { cause: error })
    }
    await running.stop()
  })

  it('has the config that Packer would commit, and none of the credentials', async () => {
    const root = join(folder, 'bundle/rootfs')
    const config = JSON.parse(
      await tool('skopeo', ['inspect', '--config', `oci:${folder}/out/memcached:latest`]),
    ).config
    expect(config).toMatchObject({
      Entrypoint: ['/opt/coredge/scripts/memcached/entrypoint.sh'],
      Cmd: ['/opt/coredge/scripts/memcached/run.sh'],
      ExposedPorts: { '11211/tcp': {} },
      User: '65100',
    })
    expect(config.Env).toContain('APP_VERSION=1.6.21')
    expect(config.Env[0]).toMatch(/^PATH=\/opt\/coredge\/memcached\/bin:/)
    await expect(readFile(join(root, 'root/.aws/credentials'))).rejects.toThrow('ENOENT')
    await expect(readFile(join(root, 'sbin/s5cmd'))).rejects.toThrow('ENOENT')
  })

  it('gives the same digest when the template is built directly', async () => {
    expect(await ocibake(['build', 'memcached.pkr.hcl', ...args])).toBe(digest)
  })
})
