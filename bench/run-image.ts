import assert from 'node:assert/strict'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { execa } from 'execa'
import { talkToMemcached } from '../scripts/demo/memcached-client.ts'
import { startBundle } from '../test/support/bundle.ts'
import { freePort } from '../test/support/registry.ts'

/** Runs a pushed image by runc and talks to its memcached. Of the variants with a script: without, a library lacks. */
export async function runImage(reference: string, folder: string, signal: AbortSignal): Promise<void> {
  const layout = join(folder, 'run-layout')
  const bundle = join(folder, 'run-bundle')
  const remove = async () => {
    for (const path of [layout, bundle]) await rm(path, { recursive: true, force: true })
  }
  await remove()
  await execa('skopeo', ['copy', '--quiet', '--src-tls-verify=false', `docker://${reference}`, `oci:${layout}:v1`])
  await execa('umoci', ['--log', 'error', 'unpack', '--image', `${layout}:v1`, bundle])
  const port = await freePort()
  const env = { MEMCACHED_PORT_NUMBER: String(port), MEMCACHED_LISTEN_ADDRESS: '127.0.0.1' }
  const container = await startBundle(bundle, env)
  try {
    const [answer] = await talkToMemcached(port, [['version']], signal)
    assert.match(answer ?? '', /^VERSION /)
  } finally {
    await container.stop()
    await remove()
  }
}
