/**
 * `npm run demo`: everything that ocibake is for, on this machine alone, with real tools. It needs root, Debian packages
 * (scripts/setup.sh installs them) and a Debian mirror. All it starts listens on loopback and is stopped at the end, all
 * it writes lies in one temporary folder that is removed at the end: also on Ctrl-C and on failure.
 */
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from '../test/support/registry.ts'
import { startContainer } from './demo/container.ts'
import { LeaveClean } from './demo/leave-clean.ts'
import { talkToMemcached } from './demo/memcached-client.ts'
import { type MemcachedTarball, memcachedTarball } from './demo/memcached-tarball.ts'
import { type Served, serve } from './demo/serve.ts'
import { heading, read, run } from './demo/shown.ts'

const project = join(import.meta.dirname, '..')
const clean = new LeaveClean()

async function demo(): Promise<void> {
  if (process.getuid?.() !== 0) throw new Error('The demo runs a container and needs root. Try: sudo npm run demo')
  const work = await mkdtemp(join(tmpdir(), 'ocibake-demo-'))
  clean.later(`remove ${work}`, () => rm(work, { recursive: true, force: true }))

  heading("A tarball as a build server would leave it in S3: memcached, from Debian's package")
  const tarball = await memcachedTarball(work)
  await run(['tar', '--list', '--file', tarball.path], clean.signal)

  heading('A registry and an S3 server, for this demo alone')
  const served = await serve(tarball, clean)

  heading('The image: a Debian base, our files, the tarball, scripts; one layer; pushed. No Docker')
  const reference = `${served.registry}/coredge/memcached:${tarball.version}`
  const digest = await bake(tarball, served, reference, work)

  heading('Once more: the base is in the cache, the layer in the registry, and the digest is the same')
  assert.equal(await bake(tarball, served, reference, work), digest)

  heading('What another tool finds in the registry')
  const image = `docker://${served.registry}/coredge/memcached@${digest}`
  await run(['skopeo', 'inspect', '--tls-verify=false', image], clean.signal)

  heading('It runs, and answers')
  await use(image, work)
}

async function bake(tarball: MemcachedTarball, served: Served, reference: string, work: string): Promise<string> {
  const vars = [`version=${tarball.version}`, `bucket=${served.bucket}`, `object=${tarball.key}`, `tags=${reference}`]
  vars.push(`sha256=${tarball.sha256}`)
  const options = ['--push', '--cache-dir', join(work, 'cache'), ...vars.flatMap((text) => ['--var', text])]
  const argv = ['node', 'dist/cli.js', 'build', 'specs/memcached.spec.ts', ...options]
  const started = performance.now()
  const digest = (await read(argv, clean.signal)).trim()
  console.log(`# ${((performance.now() - started) / 1000).toFixed(1)} seconds`)
  assert.match(digest, /^sha256:[0-9a-f]{64}$/)
  return digest
}

async function use(image: string, work: string): Promise<void> {
  const layout = join(work, 'layout:demo')
  await run(['skopeo', 'copy', '--quiet', '--src-tls-verify=false', image, `oci:${layout}`], clean.signal)
  const port = await freePort()
  const env = { MEMCACHED_PORT_NUMBER: String(port), MEMCACHED_LISTEN_ADDRESS: '127.0.0.1' }
  const container = await startContainer(layout, work, env, clean.signal)
  clean.later('stop the container', () => container.stop())
  assert.deepEqual(container.user, { uid: 65100, gid: 65100 })
  const requests = [['version'], ['set greeting 0 60 20', 'baked without Docker'], ['get greeting']]
  const answers = await talkToMemcached(port, requests, clean.signal, (line) => console.log(line))
  assert.deepEqual(answers.slice(1), ['STORED', 'VALUE greeting 0 20', 'baked without Docker', 'END'])
}

process.chdir(project)
try {
  await demo()
  heading('Done; cleaning up')
} catch (error) {
  process.exitCode = clean.signal.aborted ? 130 : 1
  console.error(`\nThe demo failed: ${clean.signal.aborted ? clean.signal.reason.message : error}`)
} finally {
  await clean.now()
}
