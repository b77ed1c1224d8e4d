import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { digestOf } from '../../src/oci/digest.ts'
import { OCI_INDEX, OCI_MANIFEST } from '../../src/oci/media-types.ts'
import { parseReference } from '../../src/oci/reference.ts'
import { type Attachment, attach } from '../../src/registry/attach.ts'
import { RegistryClient } from '../../src/registry/client.ts'
import { pushImage } from '../../src/registry/push.ts'
import { startRegistry, type TestRegistry } from '../support/registry.ts'
import { memoryImage, testConnection } from '../support/registry-image.ts'
import { startScriptedServer } from '../support/scripted-server.ts'

const TYPE = 'application/spdx+json'
const about = (text: string, kind = 'sbom'): Attachment => ({
  mediaType: TYPE,
  document: Buffer.from(JSON.stringify({ text })),
  kind,
  created: '2024-05-06T07:08:09Z',
})

describe('what is attached to an image', () => {
  let registry: TestRegistry
  let count = 0
  const { connection } = testConnection()
  const { signal } = new AbortController()
  const options = { signal, report: connection.report }

  /** A repository with an image of its own. */
  const pushed = async () => {
    const image = memoryImage([1000])
    const reference = parseReference(`${registry.host}/team/app-${++count}:1`)
    await pushImage(image, [reference], connection, options)
    const { mediaType, digest, bytes } = image.manifest
    const client = new RegistryClient(connection, reference, 'push')
    const tag = digest.replace(':', '-')
    const list = async () => JSON.parse((await client.getManifest(tag, [OCI_INDEX], signal)).bytes.toString())
    return { client, subject: { mediaType, digest, size: bytes.length }, tag, list }
  }

  beforeAll(async () => {
    registry = await startRegistry()
  })
  afterAll(async () => {
    connection.close()
    await registry.stop()
  })

  it('refers to it, and is found under its tag where a registry has no referrers API', async () => {
    const { client, subject, list } = await pushed()
    const digest = await attach(client, subject, about('one'), options)
    const { bytes } = await client.getManifest(digest, [OCI_MANIFEST], signal)
    const annotations = { 'org.opencontainers.image.created': '2024-05-06T07:08:09Z', 'vnd.ocibake.attached': 'sbom' }
    const empty = { mediaType: 'application/vnd.oci.empty.v1+json', digest: digestOf('{}'), size: 2 }
    expect(JSON.parse(bytes.toString())).toEqual({
      schemaVersion: 2,
      mediaType: OCI_MANIFEST,
      artifactType: TYPE,
      config: empty,
      layers: [{ mediaType: TYPE, digest: digestOf('{"text":"one"}'), size: 14 }],
      subject,
      annotations,
    })
    expect(await list()).toEqual({
      schemaVersion: 2,
      mediaType: OCI_INDEX,
      manifests: [{ mediaType: OCI_MANIFEST, digest, size: bytes.length, artifactType: TYPE, annotations }],
    })
  })

  it('is not written again when it is there', async () => {
    const { client, subject } = await pushed()
    const first = await attach(client, subject, about('one'), options)
    const before = (await registry.requests()).length
    expect(await attach(client, subject, about('one'), options)).toBe(first)
    const asked = (await registry.requests()).slice(before)
    expect(asked.filter((line) => /^(PUT|POST|PATCH)/.test(line))).toEqual([
      expect.stringMatching(/^PUT \S+\/manifests\/sha256:[0-9a-f]+ 201$/),
    ])
  })

  it('takes the place of an older one of its kind, and of nothing else', async () => {
    const { client, subject, list } = await pushed()
    await attach(client, subject, about('one'), options)
    const other = await attach(client, subject, about('a signature', 'other'), options)
    const second = await attach(client, subject, about('two'), options)
    expect((await list()).manifests.map(({ digest }: { digest: string }) => digest)).toEqual([other, second])
  })

  it('does not take the place of something else that has the tag', async () => {
    const { client, subject, tag } = await pushed()
    const image = memoryImage([100])
    const reference = { registry: client.registry, repository: client.repository, tag }
    await pushImage(image, [reference], connection, options)
    await expect(attach(client, subject, about('one'), options)).rejects.toMatchObject({ code: 'MANIFEST_INVALID' })
    expect((await client.getManifest(tag, [OCI_MANIFEST], signal)).digest).toBe(image.manifest.digest)
  })

  /** A registry that has all blobs; `list` is what has the tag at the nth question, once `last` was put there. */
  const scripted = async (hasReferrers: boolean, list: (count: number, last: object) => object | undefined) => {
    let last = {}
    const server = await startScriptedServer(({ method, path, body }, response, count) => {
      const isTag = /\/manifests\/sha256-/.test(path)
      if (isTag && method === 'PUT') last = JSON.parse(body.toString())
      const found = isTag && method === 'GET' ? list(count, last) : undefined
      if (isTag && method === 'GET' && found === undefined) response.statusCode = 404
      if (method === 'PUT') response.statusCode = 201
      if (method === 'PUT' && hasReferrers)
        response.setHeader('OCI-Subject', JSON.parse(body.toString()).subject.digest)
      response.setHeader('Content-Type', OCI_INDEX)
      response.end(found && JSON.stringify(found))
    })
    const client = new RegistryClient(connection, { registry: server.host, repository: 'r' }, 'push')
    const subject = { mediaType: OCI_MANIFEST, digest: digestOf('image'), size: 5 }
    return { server, work: () => attach(client, subject, about('one'), options) }
  }

  it('is left to a registry that has the referrers API, and says so', async () => {
    const { server, work } = await scripted(true, () => undefined)
    await work()
    expect(server.seen.filter(({ path }) => path.includes('sha256-'))).toEqual([])
    await server.stop()
  })

  it('is listed again when somebody else has written the list at the same time', async () => {
    const { server, work } = await scripted(false, (count, last) => (count < 2 ? { manifests: [{ a: count }] } : last))
    await work()
    const put = server.seen.filter(({ method, path }) => method === 'PUT' && path.includes('sha256-'))
    expect(put.map(({ body }) => JSON.parse(body.toString()).manifests[0])).toEqual([{ a: 0 }, { a: 1 }])
    await server.stop()
  })

  it('is listed again when somebody who had read the list before has written it afterwards', async () => {
    const lists = [{ manifests: [] }, undefined, { manifests: [{ a: 'theirs' }] }]
    const { server, work } = await scripted(false, (count, last) => lists[count] ?? last)
    await work()
    const put = server.seen.filter(({ method, path }) => method === 'PUT' && path.includes('sha256-'))
    expect(put.map(({ body }) => JSON.parse(body.toString()).manifests.length)).toEqual([1, 2])
    await server.stop()
  })

  it('is a failure when others always are faster', async () => {
    const { server, work } = await scripted(false, (count) => ({ manifests: [{ a: count }] }))
    await expect(work()).rejects.toMatchObject({ code: 'REGISTRY_ERROR' })
    await server.stop()
  })
})
