import { setTimeout } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { EMPTY_BLOB, readArtifact, writeArtifact } from '../../src/oci/artifact-manifest.ts'
import { digestOf } from '../../src/oci/digest.ts'
import { OCI_MANIFEST } from '../../src/oci/media-types.ts'
import { parseReference } from '../../src/oci/reference.ts'
import { findArtifact, putArtifact } from '../../src/registry/artifacts.ts'
import { RegistryClient } from '../../src/registry/client.ts'
import { startRegistry, type TestRegistry } from '../support/registry.ts'
import { testConnection } from '../support/registry-image.ts'

const TYPE = 'application/vnd.example.thing.v1+json'
const bytes = Buffer.from('a blob')
const descriptor = { mediaType: 'application/vnd.example.blob', digest: digestOf(bytes), size: bytes.length }
const blob = (donor?: string) => ({
  descriptor,
  donor,
  async *open(start: number) {
    yield bytes.subarray(start)
  },
})

describe('an artifact', () => {
  let registry: TestRegistry
  const { connection } = testConnection()
  const { signal } = new AbortController()
  const options = { signal, report: connection.report }
  const client = (name: string) => new RegistryClient(connection, parseReference(`${registry.host}/${name}`), 'push')

  beforeAll(async () => {
    registry = await startRegistry()
  })
  afterAll(async () => {
    connection.close()
    await registry.stop()
  })

  it.each([
    ['with its manifest', 100, 0],
    ['by itself when it is too large for that', 100_000, 1],
  ])('has its document come %s', async (_, size, downloads) => {
    const document = Buffer.from(JSON.stringify({ text: 'ä'.repeat(size) }))
    await putArtifact(client('team/one'), `size-${size}`, { mediaType: TYPE, document, blobs: [blob()] }, options)
    const before = (await registry.requests()).length
    const found = await findArtifact(client('team/one'), `size-${size}`, TYPE, options)
    expect(found).toEqual({ document, blobs: [descriptor] })
    const asked = (await registry.requests()).slice(before)
    expect(asked.filter((line) => /^GET \S+\/blobs\//.test(line))).toHaveLength(downloads)
  })

  it('takes a blob from another repository of its registry', async () => {
    const document = Buffer.from('{}')
    await putArtifact(client('team/two'), 'x', { mediaType: TYPE, document, blobs: [blob('team/one')] }, options)
    const asked = await registry.requests()
    expect(asked).toContainEqual(expect.stringMatching(/^POST \/v2\/team\/two\/blobs\/uploads\/\?.*mount=.* 201$/))
    const unknown = blob('team/nothing')
    await putArtifact(client('team/three'), 'x', { mediaType: TYPE, document, blobs: [unknown] }, options)
    expect((await findArtifact(client('team/three'), 'x', TYPE, options))?.blobs).toEqual([descriptor])
  })

  it('may be a document alone', async () => {
    const document = Buffer.from('{"alone":true}')
    await putArtifact(client('team/one'), 'alone', { mediaType: TYPE, document, blobs: [] }, options)
    expect(await findArtifact(client('team/one'), 'alone', TYPE, options)).toEqual({ document, blobs: [] })
  })

  it('leaves nothing on its way when a part of it cannot be sent', async () => {
    let isSending = false
    const large = {
      descriptor: { mediaType: 'x/y', digest: digestOf('large'), size: 1 << 30 },
      donor: undefined,
      async *open() {
        isSending = true
        try {
          for (; ; await setTimeout(1)) yield Buffer.alloc(1)
        } finally {
          isSending = false
        }
      },
    }
    const broken = {
      ...blob(),
      async *open() {
        while (!isSending) yield await setTimeout(1, Buffer.alloc(0))
        throw new Error('cannot be read')
      },
    }
    const artifact = { mediaType: TYPE, document: Buffer.from('{}'), blobs: [large, broken] }
    await expect(putArtifact(client('team/four'), 'x', artifact, options)).rejects.toThrow('cannot be read')
    await vi.waitFor(() => expect(isSending).toBe(false))
  })

  it('is not there, in a repository or without one, or is of another type', async () => {
    expect(await findArtifact(client('team/one'), 'gone', TYPE, options)).toBeUndefined()
    expect(await findArtifact(client('nobody/nothing'), 'gone', TYPE, options)).toBeUndefined()
    await expect(findArtifact(client('team/one'), 'alone', `${TYPE}2`, options)).rejects.toMatchObject({
      code: 'MANIFEST_INVALID',
    })
  })
})

describe('the manifest of an artifact', () => {
  const document = Buffer.from('{"a":1}')
  const written = JSON.parse(writeArtifact(TYPE, document, []).bytes.toString())
  const read = (manifest: object) => {
    const changed = Buffer.from(JSON.stringify(manifest))
    return readArtifact({ mediaType: OCI_MANIFEST, digest: digestOf(changed), bytes: changed }, TYPE)
  }

  it('has an empty layer where there is no blob', () => {
    expect(written.layers).toEqual([
      { mediaType: 'application/vnd.oci.empty.v1+json', digest: digestOf(EMPTY_BLOB), size: 2 },
    ])
    expect(read(written)).toMatchObject({ document, blobs: [] })
  })

  it('does not have another document than its config', () => {
    const annotations = { 'vnd.ocibake.document': '{"a":2}' }
    expect(read({ ...written, annotations }).document).toBeUndefined()
  })
})
