import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import type { OcibakeError } from '../../src/errors.ts'
import { digestOf } from '../../src/oci/digest.ts'
import { OCI_MANIFEST } from '../../src/oci/media-types.ts'
import { formatReference, parseReference } from '../../src/oci/reference.ts'
import type { Descriptor, ImageSource } from '../../src/oci/source.ts'
import { mirroredSource } from '../../src/registry/mirrored.ts'
import { parseMirror, placesFor } from '../../src/registry/mirrors.ts'
import { pushImage } from '../../src/registry/push.ts'
import { collect } from '../support/bytes.ts'
import { bake } from '../support/cli.ts'
import { testFolder } from '../support/folder.ts'
import { freePort, startRegistry, type TestRegistry } from '../support/registry.ts'
import { memoryImage, testConnection } from '../support/registry-image.ts'
import { type Script, startScriptedServer } from '../support/scripted-server.ts'

const { signal } = new AbortController()

test.each([
  ['docker.io/library/debian:12', ['docker.io=m.io'], ['m.io/library/debian:12', 'docker.io/library/debian:12']],
  ['debian', ['docker.io=m.io/hub'], ['m.io/hub/library/debian:latest', 'docker.io/library/debian:latest']],
  ['docker.io/a/b:1', ['docker.io/a=m.io', 'docker.io=n.io'], ['m.io/b:1', 'n.io/a/b:1', 'docker.io/a/b:1']],
  ['docker.io/a/b:1', ['docker.io/a/b=m.io/x/y'], ['m.io/x/y:1', 'docker.io/a/b:1']],
  ['docker.io/ab/c:1', ['docker.io/a=m.io'], ['docker.io/ab/c:1']],
  ['quay.io/a:1', ['docker.io=m.io'], ['quay.io/a:1']],
  ['quay.io:5000/a:1', ['quay.io=m.io'], ['quay.io:5000/a:1']],
  ['localhost:5000/a:1', ['localhost:5000=m.io:5001'], ['m.io:5001/a:1', 'localhost:5000/a:1']],
])('%s with the mirrors %j is asked for at %j', (name, mirrors, places) => {
  const found = placesFor(parseReference(name), mirrors.map(parseMirror), false, [])
  expect(found.map(({ reference }) => formatReference(reference))).toEqual(places)
})

test('a digest stays with every place', () => {
  const digest = digestOf('x')
  const [mirror] = placesFor(parseReference(`debian:12@${digest}`), [parseMirror('docker.io=m.io')], true, [])
  expect(formatReference(mirror!.reference)).toBe(`m.io/library/debian:12@${digest}`)
})

test.each([
  'docker.io',
  'docker.io=',
  '=m.io',
  'debian=m.io',
  'docker.io=m',
  'docker.io=https://m.io',
  'a.io=b.io=c.io',
])("--mirror '%s' is a mistake of the command line", (text) => {
  expect(() => parseMirror(text)).toThrow(expect.objectContaining({ code: 'USAGE' }))
})

describe('a mirror', () => {
  const image = memoryImage([3000, 200_000])
  let home: TestRegistry
  beforeAll(async () => {
    home = await startRegistry()
    const { connection } = testConnection()
    await pushImage(image, [parseReference(`${home.host}/team/app:1`)], connection, { signal, report: () => {} })
    connection.close()
  })
  afterAll(() => home.stop())

  async function mirrorWith(script: Script) {
    const server = await startScriptedServer(script)
    onTestFinished(() => server.stop())
    return server
  }

  /** `team/app:1` of the home registry, of which these hosts are mirrors. */
  async function appBy(mirrors: readonly string[], { only = false, name = 'team/app:1' } = {}) {
    const { connection, events } = testConnection({
      mirrors: mirrors.map((mirror) => parseMirror(`${home.host}=${mirror}`)),
      onlyMirrors: only,
    })
    onTestFinished(() => connection.close())
    const source = await mirroredSource(parseReference(`${home.host}/${name}`), connection)
    const warnings = () => events.flatMap((event) => (event.type === 'warning' ? [event.message] : []))
    return { source, warnings }
  }

  async function pulled(source: ImageSource): Promise<void> {
    expect(await source.resolve(signal)).toEqual(image.manifest)
    for (const layer of image.layers) {
      expect(digestOf(await collect(source.blob(layer, 0, signal)))).toBe(layer.digest)
    }
  }

  const serve: Script = ({ path }, response) => {
    const bytes = path.includes('/manifests/') ? image.manifest.bytes : image.blobs.get(digestIn(path))
    response.writeHead(bytes ? 200 : 404, { 'Content-Type': path.includes('/manifests/') ? OCI_MANIFEST : 'x/y' })
    response.end(bytes)
  }

  test('that has the image is all that is asked, and the image keeps its name', async () => {
    const mirror = await mirrorWith(serve)
    const before = (await home.requests()).length
    const { source, warnings } = await appBy([`${mirror.host}/cache`])
    await pulled(source)
    expect(source.name).toBe(`${home.host}/team/app:1`)
    expect(mirror.seen[0]?.path).toBe('/v2/cache/team/app/manifests/1')
    expect((await home.requests()).length).toBe(before)
    expect(warnings()).toEqual([])
  })

  test.each<[string, Script]>([
    ['does not know it', (_, response) => void response.writeHead(404).end()],
    ['wants a login', (_, response) => void response.writeHead(401, { 'WWW-Authenticate': 'Basic' }).end()],
    ['denies it', (_, response) => void response.writeHead(403).end()],
    ['limits requests', (_, response) => void response.writeHead(429).end()],
    ['is in trouble', (_, response) => void response.writeHead(503).end()],
    ['answers with nonsense', (_, response) => void response.writeHead(200).end('<html>')],
  ])('that %s is left for the next, and that is told', async (_, script) => {
    const bad = await mirrorWith(script)
    const good = await mirrorWith(serve)
    const { source, warnings } = await appBy([bad.host, good.host])
    await pulled(source)
    expect(warnings()).toEqual([expect.stringContaining(`Going on with the mirror ${good.host}/team/app`)])
    expect(warnings()[0]).toContain(bad.host)
    expect(bad.seen.length).toBeLessThanOrEqual(2)
  })

  test('that nobody reaches is left for the registry itself', async () => {
    const { source, warnings } = await appBy([`127.0.0.1:${await freePort()}`])
    await pulled(source)
    expect(warnings()).toEqual([expect.stringContaining(`Going on with ${home.host}/team/app`)])
  })

  test('that lies about a digest is found out, and left', async () => {
    const other = memoryImage([10])
    const mirror = await mirrorWith((_, response) => {
      response.writeHead(200, { 'Content-Type': OCI_MANIFEST, 'Docker-Content-Digest': image.manifest.digest })
      response.end(other.manifest.bytes)
    })
    const { source, warnings } = await appBy([mirror.host], { name: `team/app@${image.manifest.digest}` })
    expect(await source.resolve(signal)).toEqual(image.manifest)
    expect(warnings()).toEqual([expect.stringContaining(`wanted ${image.manifest.digest}`)])
    const alone = await appBy([mirror.host], { name: `team/app@${image.manifest.digest}`, only: true })
    await expect(alone.source.resolve(signal)).rejects.toMatchObject({ code: 'BLOB_MISMATCH' })
  })

  test('that fails in the middle of a blob is gone on from at that byte', async () => {
    const [, layer] = image.layers as [Descriptor, Descriptor]
    const mirror = await mirrorWith((request, response, count) => {
      if (!request.path.endsWith(layer.digest)) return serve(request, response, count)
      if (request.headers.range !== undefined) return void response.writeHead(500).end()
      response.writeHead(200, { 'Content-Length': String(layer.size) })
      response.write(image.blobs.get(layer.digest)!.subarray(0, 50_000))
      setTimeout(() => response.destroy(), 30)
    })
    const { source, warnings } = await appBy([mirror.host])
    await pulled(source)
    expect(warnings()).toEqual([expect.stringContaining(`Going on with ${home.host}/team/app`)])
  })

  test('is not gone on from without a fallback: its error is the error', async () => {
    const mirror = await mirrorWith((_, response) => void response.writeHead(404).end())
    const before = (await home.requests()).length
    const { source } = await appBy([mirror.host], { only: true })
    const error = (await source.resolve(signal).catch((fault: unknown) => fault)) as OcibakeError
    expect(error).toMatchObject({ code: 'BASE_NOT_FOUND', message: expect.stringContaining(mirror.host) })
    expect((await home.requests()).length).toBe(before)
  })

  test('gets no credentials but its own', async () => {
    const asked: string[] = []
    const mirror = await mirrorWith((request, response, count) => {
      if (request.headers.authorization === undefined) {
        return void response.writeHead(401, { 'WWW-Authenticate': 'Basic' }).end()
      }
      asked.push(request.headers.authorization)
      return serve(request, response, count)
    })
    const { connection } = testConnection({
      mirrors: [parseMirror(`${home.host}=${mirror.host}`)],
      credentials: async (registry) => ({ kind: 'password', username: 'for', password: registry, source: 'x' }),
    })
    onTestFinished(() => connection.close())
    const source = await mirroredSource(parseReference(`${home.host}/team/app:1`), connection)
    await source.resolve(signal)
    expect(asked).toEqual([`Basic ${Buffer.from(`for:${mirror.host}`).toString('base64')}`])
  })
})

test('--mirror keeps a build away from the registry that an image is named after', async () => {
  const image = memoryImage([10])
  const registry = await startRegistry()
  const { connection } = testConnection()
  onTestFinished(async () => {
    connection.close()
    await registry.stop()
  })
  await pushImage(image, [parseReference(`${registry.host}/library/app:1`)], connection, { signal, report: () => {} })
  const folder = await testFolder()
  const args = ['inspect', 'app:1', '--mirror', `docker.io=${registry.host}`, '--no-mirror-fallback']
  const shown = await bake(args, { cache: folder, env: { https_proxy: `http://127.0.0.1:${await freePort()}` } })
  expect(shown).toMatch(/^name +docker\.io\/library\/app:1\n/)
  expect(shown).toContain(image.manifest.digest)
})

function digestIn(path: string) {
  return path.slice(path.indexOf('sha256:')) as `sha256:${string}`
}
