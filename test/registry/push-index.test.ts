import { describe, expect, test } from 'vitest'
import { digestOf } from '../../src/oci/digest.ts'
import { OCI_INDEX } from '../../src/oci/media-types.ts'
import { parseReference } from '../../src/oci/reference.ts'
import { pushIndex } from '../../src/registry/push-index.ts'
import { end, type Fault, fakeRegistry } from '../support/fake-registry.ts'
import { testConnection } from '../support/registry-image.ts'

const bytes = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: OCI_INDEX, manifests: [] }))
const index = { mediaType: OCI_INDEX, digest: digestOf(bytes), bytes }
const { signal } = new AbortController()

/** Whoever moves a tag is refused. */
const immutable: Fault = (request, response, { manifests }) => {
  const tag = /\/manifests\/([^:]+)$/.exec(request.path)?.[1]
  const isRefused = request.method === 'PUT' && tag !== undefined && manifests.has(tag)
  if (isRefused) end(response, 409)
  return isRefused
}

async function scene(fault?: Fault) {
  const registry = await fakeRegistry(fault)
  const { connection } = testConnection()
  const push = (names: readonly string[], options: { allowImmutableTags?: boolean; isOld?: boolean } = {}) => {
    const references = names.map((name) => parseReference(`${registry.server.host}/team/app${name}`))
    return pushIndex(index, references, connection, { signal, report: connection.report, ...options })
  }
  return { registry, push }
}

describe('an index', () => {
  test('is put under each tag and read back', async () => {
    const { registry, push } = await scene()
    expect((await push([':1', ':2'])).map(({ tag }) => tag)).toEqual(['1', '2'])
    expect(registry.manifests.get('2')).toEqual(bytes)
    expect(registry.log.filter((line) => /manifests/.test(line))).toHaveLength(4)
  })

  test('is not put where a tag names it already, when it was made before', async () => {
    const { registry, push } = await scene()
    await push([':1'])
    const before = registry.log.length
    await push([':1', ':2'], { isOld: true })
    expect(registry.log.slice(before).filter((line) => line.startsWith('PUT'))).toEqual(['PUT manifests/'])
    expect([...registry.manifests.keys()].sort()).toEqual(['1', '2', index.digest].sort())
  })

  test('leaves a tag that may not be moved if that is allowed, and is there by its digest', async () => {
    const { registry, push } = await scene(immutable)
    const older = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: OCI_INDEX, older: true }))
    registry.manifests.set('1', older)
    await expect(push([':1'])).rejects.toMatchObject({ hint: expect.stringContaining('--allow-immutable-tags') })
    const [name] = await push([':1'], { allowImmutableTags: true })
    expect(name).toMatchObject({ repository: 'team/app', digest: index.digest })
    expect(registry.manifests.get('1')).toEqual(older)
    expect(registry.manifests.get(index.digest)).toEqual(bytes)
  })

  test('is refused before anything is sent where it is to have another digest', async () => {
    const { registry, push } = await scene()
    await expect(push([`@${digestOf('another')}`])).rejects.toMatchObject({ code: 'REFERENCE_INVALID' })
    expect(registry.log).toEqual([])
  })
})
