import assert from 'node:assert/strict'
import { Readable } from 'node:stream'
import { execa } from 'execa'
import type { Variant } from './variants.ts'

const MANIFESTS = 'application/vnd.oci.image.manifest.v1+json, application/vnd.docker.distribution.manifest.v2+json'

export interface CheckedImage {
  readonly layers: number
  /** Bytes of all layers, compressed. */
  readonly size: number
}

interface Manifest {
  readonly config: { readonly digest: string }
  readonly layers: readonly { readonly digest: string; readonly size: number }[]
}

interface Config {
  readonly config: Readonly<Record<string, unknown>>
}

/**
 * Reads a pushed image back, with curl's and GNU tar's means and none of ours: its config, and the owners and paths
 * that the variant asks for. @throws AssertionError for an image that is not what it should be
 */
export async function checkImage(reference: string, variant: Variant): Promise<CheckedImage> {
  const [, host, name, tag] = /^([^/]+)\/(.+):([^:]+)$/.exec(reference)!
  const repository = `http://${host}/v2/${name}`
  const manifest = (await json(`${repository}/manifests/${tag}`)) as Manifest
  checkConfig((await json(`${repository}/blobs/${manifest.config.digest}`)) as Config)
  const { layers } = manifest
  assert.equal(layers.length, variant.layers === 'squash' ? 1 : 2)
  const entries: string[] = []
  for (const { digest } of layers) entries.push(...(await entriesOf(`${repository}/blobs/${digest}`)))
  checkEntries(entries, variant)
  return { layers: layers.length, size: layers.reduce((sum, { size }) => sum + size, 0) }
}

/** `wanted` and what the sources bring belong to uid 65100, nothing else of the tarball is there, scripts have run. */
export function checkEntries(entries: readonly string[], { wanted, script }: Variant): void {
  const scripts = 'opt/coredge/scripts'
  for (const path of [wanted, `${scripts}/memcached/entrypoint.sh`, `${scripts}/lib/fs.sh`]) {
    const file = entries.find((entry) => entry.startsWith('-') && entry.endsWith(` ${path}`))
    assert.match(file ?? 'missing', / 65100\/65100 /, path)
  }
  const decoys = entries.filter((entry) =>
    /opt\/coredge.*\/(decoy\.bin|filesystem\.txt|files\.txt|build\.sh)$/.test(entry),
  )
  assert.deepEqual(decoys, [])
  assert.ok(
    entries.some((entry) => / (usr\/)?bin\/bash$/.test(entry)),
    'the base is there',
  )
  if (script === undefined) return
  assert.ok(
    entries.some((entry) => / (usr\/)?bin\/nc\.openbsd$/.test(entry)),
    'packages are installed',
  )
  assert.deepEqual(
    entries.filter((entry) => entry.includes(' tmp/debs/')),
    [],
  )
}

function checkConfig({ config }: Config): void {
  assert.equal(config.User, '65100')
  assert.deepEqual(config.ExposedPorts, { '11211/tcp': {} })
  assert.deepEqual(config.Entrypoint, ['/opt/coredge/scripts/memcached/entrypoint.sh'])
  assert.deepEqual(config.Cmd, ['/opt/coredge/scripts/memcached/run.sh'])
  const env = config.Env as string[]
  assert.ok(env.includes('APP_VERSION=1.6.21'), 'APP_VERSION')
  assert.ok(
    env.some((pair) => pair.startsWith('PATH=/opt/coredge/memcached/bin:/usr/local/sbin:')),
    'PATH',
  )
}

async function json(url: string): Promise<unknown> {
  const response = await fetch(url, { headers: { accept: `${MANIFESTS}, */*` } })
  assert.equal(response.status, 200, url)
  return await response.json()
}

/** As `tar --list --verbose` prints them, without a `./` before the path. */
async function entriesOf(url: string): Promise<string[]> {
  const response = await fetch(url)
  assert.equal(response.status, 200, url)
  const input = Readable.fromWeb(response.body as never)
  const { stdout } = await execa('tar', ['--list', '--verbose', '--gzip', '--numeric-owner'], { input })
  return stdout.split('\n').map((line) => line.replace(/(\d\d:\d\d) (\.\/)?/, '$1 '))
}
