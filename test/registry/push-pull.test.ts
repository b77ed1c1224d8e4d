import { execFile } from 'node:child_process'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import type { Digest } from '../../src/oci/digest.ts'
import { digestOf } from '../../src/oci/digest.ts'
import { parseDocument } from '../../src/oci/manifest.ts'
import { formatReference, parseReference } from '../../src/oci/reference.ts'
import type { Descriptor, ImageSource } from '../../src/oci/source.ts'
import { registrySource } from '../../src/registry/pull.ts'
import { pushImage } from '../../src/registry/push.ts'
import { testFolder } from '../support/folder.ts'
import { REGISTRY_USER, type RegistryOptions, startRegistry, type TestRegistry } from '../support/registry.ts'
import { knowsUser, memoryImage, testConnection } from '../support/registry-image.ts'

const run = promisify(execFile)
const { signal } = new AbortController()

async function bytesOf(source: ImageSource, descriptor: Descriptor, start = 0): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  for await (const chunk of source.blob(descriptor, start, signal)) chunks.push(chunk)
  return Buffer.concat(chunks)
}

async function registryFor(options: RegistryOptions = {}): Promise<TestRegistry> {
  const registry = await startRegistry(options)
  onTestFinished(() => registry.stop())
  return registry
}

function connectionFor(options: Parameters<typeof testConnection>[0] = {}) {
  const made = testConnection(options)
  onTestFinished(() => made.connection.close())
  return made
}

describe('with an open registry', () => {
  let registry: TestRegistry
  beforeAll(async () => {
    registry = await startRegistry()
  })
  afterAll(() => registry.stop())

  test('skopeo reads what was pushed, byte for byte', async () => {
    const { connection, events } = connectionFor()
    const image = memoryImage()
    const reference = parseReference(`${registry.host}/team/app:1`)
    await pushImage(image, [reference], connection, { signal, report: connection.report })
    const folder = await testFolder()
    const target = join(folder, 'image')
    await run('skopeo', ['copy', '--src-tls-verify=false', `docker://${formatReference(reference)}`, `oci:${target}:1`])
    const { stdout } = await run('skopeo', ['inspect', '--raw', `oci:${target}:1`])
    expect(digestOf(stdout)).toBe(image.manifest.digest)
    const pushed = { type: 'pushed', reference: formatReference(reference), digest: image.manifest.digest }
    expect(events).toContainEqual(pushed)
  })

  test('every blob is a task of its own that starts, and finishes once', async () => {
    const { connection, events } = connectionFor()
    const image = memoryImage()
    await pushImage(image, [parseReference(`${registry.host}/tasks/app:1`)], connection, {
      signal,
      report: connection.report,
    })
    const started = events.flatMap((event) => (event.type === 'task-started' ? [event.task] : []))
    const finished = events.flatMap((event) => (event.type === 'task-finished' ? [event.task] : []))
    expect(started).toHaveLength(3)
    expect(new Set(started).size).toBe(3)
    expect(finished.toSorted()).toEqual(started.toSorted())
  })

  test('what skopeo pushed is pulled, byte for byte, and from any byte on', async () => {
    const { connection } = connectionFor()
    const image = memoryImage()
    const folder = await testFolder()
    const layout = await writeLayout(folder, image)
    const name = `${registry.host}/by/skopeo:x`
    await run('skopeo', ['copy', '--preserve-digests', '--dest-tls-verify=false', `oci:${layout}`, `docker://${name}`])
    const source = registrySource(parseReference(name), connection)
    const document = await source.resolve(signal)
    expect(document).toEqual(image.manifest)
    const manifest = parseDocument(document)
    if (manifest.kind !== 'manifest') throw new Error('not a manifest')
    for (const descriptor of [manifest.config, ...manifest.layers]) {
      const whole = image.blobs.get(descriptor.digest)!
      expect(digestOf(await bytesOf(source, descriptor))).toBe(descriptor.digest)
      expect(digestOf(await bytesOf(source, descriptor, 100))).toBe(digestOf(whole.subarray(100)))
      expect(await bytesOf(source, descriptor, whole.length)).toHaveLength(0)
    }
    await source.close()
    await source.close()
  })

  test('several tags and repositories get the image, its blobs sent once and mounted after that', async () => {
    const { connection, events } = connectionFor()
    const image = memoryImage()
    const references = ['a/x:1', 'a/x:2', 'b/y:1', 'a/x:3'].map((name) => parseReference(`${registry.host}/${name}`))
    await pushImage(image, references, connection, { signal, report: connection.report })
    for (const reference of references) {
      expect(await registrySource(reference, connection).resolve(signal)).toEqual(image.manifest)
    }
    expect(image.opened).toHaveLength(3)
    const outcomes = events.flatMap((event) => (event.type === 'task-finished' ? [event.outcome] : []))
    expect(outcomes).toEqual(['pushed', 'pushed', 'pushed', 'mounted', 'mounted', 'mounted'])
  })

  test('base layers are mounted from the base and never opened; what else there is, the base is not asked for', async () => {
    const { connection } = connectionFor()
    const base = memoryImage()
    const from = parseReference(`${registry.host}/base/os:1`)
    await pushImage(base, [from], connection, { signal, report: connection.report })
    const before = base.opened.length
    const [kept, changed] = base.layers
    const image = { ...base, donors: [{ reference: from, digests: new Set([kept!.digest]) }] }
    await pushImage(image, [parseReference(`${registry.host}/derived/app:1`)], connection, {
      signal,
      report: connection.report,
    })
    expect(base.opened.slice(before).sort()).toEqual([`${base.config.digest} 0`, `${changed!.digest} 0`].sort())
    const mounts = (await registry.requests()).filter((line) => /derived.*mount=/.test(line))
    expect(mounts).toEqual([expect.stringContaining(encodeURIComponent(kept!.digest))])
  })

  test('an image that is there already is pushed without opening a blob', async () => {
    const { connection } = connectionFor()
    const image = memoryImage()
    const reference = parseReference(`${registry.host}/again/app:1`)
    await pushImage(image, [reference], connection, { signal, report: connection.report })
    const before = image.opened.length
    await pushImage(image, [reference], connection, { signal, report: connection.report })
    expect(image.opened).toHaveLength(before)
  })

  test('of an image that was made before, a tag that names it already is not put again, and another one is', async () => {
    const { connection, events } = connectionFor()
    const [image, other] = [memoryImage(), memoryImage()]
    const [first, second] = ['1', '2'].map((tag) => parseReference(`${registry.host}/old/app:${tag}`))
    const options = { signal, report: connection.report }
    await pushImage(image, [first!], connection, options)
    await pushImage(other, [second!], connection, options)
    const puts = async () => (await registry.requests()).filter((line) => /PUT.*\/old\/app\/manifests\//.test(line))
    const before = await puts()
    await pushImage({ ...image, isOld: true }, [first!, second!], connection, options)
    expect((await puts()).slice(before.length)).toEqual([expect.stringContaining('manifests/2')])
    const pushed = events.flatMap((event) => (event.type === 'pushed' ? [[event.reference, event.digest]] : []))
    expect(pushed.slice(2)).toEqual([first, second].map((one) => [formatReference(one!), image.manifest.digest]))
    expect((await registrySource(second!, connection).resolve(signal)).digest).toBe(image.manifest.digest)
  })

  test('a reference by digest is pulled by it, and pushed to only if it is the digest of the image', async () => {
    const { connection } = connectionFor()
    const image = memoryImage()
    const right = parseReference(`${registry.host}/digest/app@${image.manifest.digest}`)
    const wrong = parseReference(`${registry.host}/digest/app@${digestOf('else')}`)
    await expect(
      pushImage(image, [right, wrong], connection, { signal, report: connection.report }),
    ).rejects.toMatchObject({ code: 'REFERENCE_INVALID' })
    expect(image.opened).toEqual([])
    await pushImage(image, [right], connection, { signal, report: connection.report })
    expect(await registrySource(right, connection).resolve(signal)).toEqual(image.manifest)
  })

  test('what a tag means is asked once, even if the tag moves', async () => {
    const { connection } = connectionFor()
    const [first, second] = [memoryImage(), memoryImage()]
    const reference = parseReference(`${registry.host}/moving/app:1`)
    await pushImage(first, [reference], connection, { signal, report: connection.report })
    const source = registrySource(reference, connection)
    expect((await source.resolve(signal)).digest).toBe(first.manifest.digest)
    await pushImage(second, [reference], connection, { signal, report: connection.report })
    expect((await source.resolve(signal)).digest).toBe(first.manifest.digest)
    expect((await registrySource(reference, connection).resolve(signal)).digest).toBe(second.manifest.digest)
  })

  test('an image that is not there is BASE_NOT_FOUND, with its name and the words of the registry', async () => {
    const { connection } = connectionFor()
    const reference = parseReference(`${registry.host}/no/such:thing`)
    await expect(registrySource(reference, connection).resolve(signal)).rejects.toMatchObject({
      code: 'BASE_NOT_FOUND',
      message: expect.stringMatching(/no\/such:thing.*MANIFEST_UNKNOWN/),
    })
  })

  test('a manifest whose blobs are missing is refused with the words of the registry', async () => {
    const { connection } = connectionFor()
    const image = memoryImage()
    const halfway = { ...image, layers: [] }
    const reference = parseReference(`${registry.host}/half/app:1`)
    await expect(
      pushImage(halfway, [reference], connection, { signal, report: connection.report }),
    ).rejects.toMatchObject({ code: 'REGISTRY_ERROR', message: expect.stringContaining('MANIFEST_BLOB_UNKNOWN') })
  })

  test('blobs that cannot be read end the push with their own error', async () => {
    const { connection } = connectionFor()
    const fault = new Error('the disk is broken')
    const image = {
      ...memoryImage([10, 10, 10, 10, 10, 10]),
      // biome-ignore lint/correctness/useYield: it breaks before it yields
      async *openBlob(_digest: Digest): AsyncGenerator<Uint8Array> {
        throw fault
      },
    }
    const reference = parseReference(`${registry.host}/broken/app:1`)
    await expect(pushImage(image, [reference], connection, { signal, report: connection.report })).rejects.toBe(fault)
  })

  test('an abort ends a push as INTERRUPTED, and no tag is left', async () => {
    const { connection } = connectionFor()
    const controller = new AbortController()
    const image = memoryImage()
    const slow = {
      ...image,
      async *openBlob(digest: Digest, start: number) {
        controller.abort()
        yield* image.openBlob(digest, start)
      },
    }
    const reference = parseReference(`${registry.host}/aborted/app:1`)
    const options = { signal: controller.signal, report: connection.report }
    await expect(pushImage(slow, [reference], connection, options)).rejects.toMatchObject({ code: 'INTERRUPTED' })
    await expect(registrySource(reference, connection).resolve(signal)).rejects.toMatchObject({
      code: 'BASE_NOT_FOUND',
    })
  })
})

describe('with a registry that wants a name', () => {
  test('basic auth: the right password pushes and pulls', async () => {
    const registry = await registryFor({ auth: 'basic' })
    const { connection } = connectionFor({ credentials: knowsUser })
    const image = memoryImage()
    const reference = parseReference(`${registry.host}/team/app:1`)
    await pushImage(image, [reference], connection, { signal, report: connection.report })
    expect(await registrySource(reference, connection).resolve(signal)).toEqual(image.manifest)
  })

  test('basic auth: no password, or a wrong one, is REGISTRY_UNAUTHORIZED and says who asked, not the password', async () => {
    const registry = await registryFor({ auth: 'basic' })
    const reference = parseReference(`${registry.host}/team/app:1`)
    const nobody = connectionFor()
    await expect(registrySource(reference, nobody.connection).resolve(signal)).rejects.toMatchObject({
      code: 'REGISTRY_UNAUTHORIZED',
      message: expect.stringContaining('no credentials are known'),
      hint: expect.stringContaining(`ocibake login ${registry.host}`),
    })
    const password = 'wr0ng-pa55word'
    const wrong = connectionFor({
      credentials: async () => ({ kind: 'password', username: 'bob', password, source: '/a/config.json' }),
    })
    const failing = registrySource(reference, wrong.connection).resolve(signal)
    await expect(failing).rejects.toMatchObject({
      code: 'REGISTRY_UNAUTHORIZED',
      message: expect.stringContaining("as 'bob' from /a/config.json"),
    })
    await expect(failing).rejects.not.toMatchObject({ message: expect.stringContaining(password) })
  })

  test('tokens: push and mount with a name, pull without, each with the scopes that it needs', async () => {
    const registry = await registryFor({ auth: 'token', anonymousPull: true })
    const baker = connectionFor({ credentials: knowsUser })
    const image = memoryImage()
    const [first, second] = ['team/app:1', 'other/app:1'].map((name) => parseReference(`${registry.host}/${name}`))
    await pushImage(image, [first!, second!], baker.connection, { signal, report: baker.connection.report })
    expect(image.opened).toHaveLength(3)
    const asked = registry.tokenRequests.map((query) => query.getAll('scope').toSorted().join(' '))
    expect(asked.toSorted()).toEqual(
      [
        'repository:other/app:pull,push',
        'repository:other/app:pull,push repository:team/app:pull',
        'repository:team/app:pull,push',
      ].toSorted(),
    )
    expect(registry.tokenRequests.every((query) => query.get('account') === REGISTRY_USER.username)).toBe(true)
    const nobody = connectionFor()
    expect(await registrySource(first!, nobody.connection).resolve(signal)).toEqual(image.manifest)
  })

  test('tokens: a push without a name is refused in the words of the registry', async () => {
    const registry = await registryFor({ auth: 'token', anonymousPull: true })
    const { connection } = connectionFor()
    const reference = parseReference(`${registry.host}/team/app:1`)
    await expect(
      pushImage(memoryImage(), [reference], connection, { signal, report: connection.report }),
    ).rejects.toMatchObject({ code: 'REGISTRY_UNAUTHORIZED', message: expect.stringContaining('asked anonymously') })
  })

  test('tokens: a wrong password is refused by the token server, which is named', async () => {
    const registry = await registryFor({ auth: 'token' })
    const { connection } = connectionFor({
      credentials: async () => ({ kind: 'password', username: 'bob', password: 'no', source: 'x' }),
    })
    const reference = parseReference(`${registry.host}/team/app:1`)
    await expect(registrySource(reference, connection).resolve(signal)).rejects.toMatchObject({
      code: 'REGISTRY_UNAUTHORIZED',
      message: expect.stringMatching(/token for .* from 127\.0\.0\.1:\d+.*wrong user or password/),
    })
  })

  test('a token that ends in the middle of a push is renewed, and the push goes on', async () => {
    const registry = await registryFor({ auth: 'token', tokenSeconds: -58 })
    const { connection } = connectionFor({ credentials: knowsUser })
    const image = memoryImage([100, 100])
    const slow = {
      ...image,
      async *openBlob(digest: Digest, start: number) {
        if (image.opened.length === 0) await new Promise((resolve) => setTimeout(resolve, 3000))
        yield* image.openBlob(digest, start)
      },
    }
    const reference = parseReference(`${registry.host}/team/app:1`)
    await pushImage(slow, [reference], connection, { signal, report: connection.report })
    expect(await registrySource(reference, connection).resolve(signal)).toEqual(image.manifest)
    expect(registry.tokenRequests.length).toBeGreaterThan(1)
  }, 30_000)
})

describe('with a registry that speaks TLS', () => {
  test('a certificate nobody vouches for is refused, with what to do; a host named insecure is spoken to', async () => {
    const registry = await registryFor({ tls: true })
    const reference = parseReference(`${registry.host}/team/app:1`)
    const image = memoryImage()
    const strict = connectionFor()
    await expect(registrySource(reference, strict.connection).resolve(signal)).rejects.toMatchObject({
      code: 'REGISTRY_UNREACHABLE',
      message: expect.stringContaining('self-signed'),
      hint: expect.stringContaining(`certs.d/${registry.host}/ca.crt, or set SSL_CERT_FILE`),
    })
    const named = connectionFor({ insecureRegistries: new Set([registry.host]) })
    await pushImage(image, [reference], named.connection, { signal, report: named.connection.report })
    expect(await registrySource(reference, named.connection).resolve(signal)).toEqual(image.manifest)
  })
})

test('an authority named in NODE_EXTRA_CA_CERTS is trusted', async () => {
  const registry = await registryFor({ tls: true })
  const source = (file: string) => JSON.stringify(new URL(`../../src/${file}`, import.meta.url).href)
  const script = `
    import { RegistryConnection } from ${source('registry/connection.ts')}
    import { anonymous } from ${source('registry/credentials.ts')}
    const connection = new RegistryConnection({
      credentials: anonymous, insecureRegistries: new Set(), report() {}, userAgent: 'ocibake/test',
    })
    console.log((await connection.endpoint('${registry.host}', new AbortController().signal)).href)
    connection.close()`
  const env = { PATH: process.env.PATH, NODE_EXTRA_CA_CERTS: registry.caFile }
  const { stdout } = await run(process.execPath, ['--input-type=module', '-e', script], { env })
  expect(stdout.trim()).toBe(`${registry.url}/`)
})

async function writeLayout(folder: string, image: ReturnType<typeof memoryImage>): Promise<string> {
  const layout = join(folder, 'layout')
  await mkdir(join(layout, 'blobs', 'sha256'), { recursive: true })
  const put = (bytes: Buffer) => writeFile(join(layout, 'blobs', 'sha256', digestOf(bytes).slice(7)), bytes)
  await Promise.all([...image.blobs.values(), image.manifest.bytes].map(put))
  const { mediaType, digest, bytes } = image.manifest
  const index = { schemaVersion: 2, manifests: [{ mediaType, digest, size: bytes.length }] }
  await writeFile(join(layout, 'index.json'), JSON.stringify(index))
  await writeFile(join(layout, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}')
  return layout
}
