import { describe, expect, test } from 'vitest'
import { digestOf } from '../../src/oci/digest.ts'
import { OCI_MANIFEST } from '../../src/oci/media-types.ts'
import { formatReference } from '../../src/oci/reference.ts'
import { end, type Fault, fakeRegistry } from '../support/fake-registry.ts'
import { memoryImage } from '../support/registry-image.ts'

const image = memoryImage([10])
const older = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: OCI_MANIFEST, older: true }))
const reads = (log: readonly string[]) => log.filter((line) => line.startsWith('GET manifests/'))

/** The manifest is not found by its tag the first `times` times after it was put. */
const slow = (times: number): Fault => {
  let asked = 0
  return (request, response) => {
    const isHidden = request.method === 'GET' && request.path.includes('/manifests/') && asked++ < times
    if (isHidden) end(response, 404)
    return isHidden
  }
}

describe('reading back', () => {
  test('is tried again while the registry does not show what it has taken, and told', async () => {
    const registry = await fakeRegistry(slow(3))
    await registry.push(image)
    expect(reads(registry.log)).toHaveLength(4)
    expect(registry.log.filter((line) => line.startsWith('PUT manifests/'))).toHaveLength(1)
    const retries = registry.events.filter((event) => event.type === 'retry')
    expect(retries.map(({ attempt, reason }) => [attempt, reason])).toEqual(
      [1, 2, 3].map((attempt) => [attempt, expect.stringMatching(/^127\.0\.0\.1:\d+ does not have it yet$/)]),
    )
    expect(registry.events.at(-1)).toMatchObject({ type: 'pushed' })
  })

  test('is tried again while an older manifest comes', async () => {
    let asked = 0
    const registry = await fakeRegistry((request, response) => {
      const isStale = request.method === 'GET' && request.path.includes('/manifests/') && asked++ < 2
      if (isStale) end(response, 200, { 'Content-Type': OCI_MANIFEST }, older)
      return isStale
    })
    await registry.push(image)
    expect(reads(registry.log)).toHaveLength(3)
  })

  test('is given up in the end, and the push has failed', async () => {
    const registry = await fakeRegistry(slow(Number.POSITIVE_INFINITY))
    await expect(registry.push(image)).rejects.toMatchObject({
      code: 'REGISTRY_ERROR',
      message: expect.stringMatching(
        new RegExp(`/team/app:1 is not there after the push of ${image.manifest.digest} \\(5 attempts\\)\\.$`),
      ),
    })
    expect(reads(registry.log)).toHaveLength(5)
    expect(registry.events.some((event) => event.type === 'pushed')).toBe(false)
  })
})

describe('a tag that names the image already', () => {
  const old = { ...image, isOld: true }
  const puts = (log: readonly string[]) => log.filter((line) => line === 'PUT manifests/').length

  test('is not put again when the image was made before', async () => {
    const registry = await fakeRegistry()
    await registry.push(image)
    await registry.push(old)
    expect(puts(registry.log)).toBe(1)
    expect(registry.events.filter(({ type }) => type === 'pushed')).toHaveLength(2)
  })

  test('is put again when a blob was gone', async () => {
    const registry = await fakeRegistry()
    await registry.push(image)
    registry.blobs.delete(image.layers[0]!.digest)
    await registry.push(old)
    expect(puts(registry.log)).toBe(2)
    expect(registry.blobs).toContain(image.layers[0]!.digest)
  })

  test('is put again when nobody says what it names', async () => {
    let asked = 0
    const registry = await fakeRegistry((request, response) => {
      const isFirst = request.method === 'GET' && request.path.includes('/manifests/') && asked++ === 1
      if (isFirst) end(response, 403)
      return isFirst
    })
    await registry.push(image)
    await registry.push(old)
    expect(puts(registry.log)).toBe(2)
  })
})

const REFUSALS: [string, number, string][] = [
  ['ECR', 400, '{"errors":[{"code":"TAG_INVALID","message":"cannot be overwritten because the tag is immutable"}]}'],
  ['Docker Hub', 403, '{"errors":[{"code":"DENIED","message":"immutable"}]}'],
  ['Azure', 405, '{"errors":[{"code":"UNSUPPORTED","message":"The operation is disallowed"}]}'],
  ['others', 409, '{"errors":[{"code":"TAG_INVALID","message":"immutable"}]}'],
  ['Harbor', 412, '{"errors":[{"code":"PRECONDITION","message":"configured as immutable"}]}'],
]

/** A registry in which the tag `1` stands and cannot be moved; other names are free unless `all` are refused. */
const immutable = (held: Buffer, status: number, body: string, all = false) =>
  fakeRegistry((request, response, { manifests }) => {
    if (!manifests.has('1')) manifests.set('1', held)
    const isRefused = request.method === 'PUT' && (all ? /\/manifests\// : /\/manifests\/1$/).test(request.path)
    if (isRefused) end(response, status, {}, Buffer.from(body))
    return isRefused
  })

describe.each(REFUSALS)('a tag that must not be moved, as %s says it', (_, status, body) => {
  test('is pushed when it names the image already', async () => {
    const registry = await immutable(image.manifest.bytes, status, body)
    const [pushed] = await registry.push(image)
    expect(formatReference(pushed!)).toBe(`${registry.server.host}/team/app:1`)
    expect(registry.events.at(-1)).toMatchObject({ type: 'pushed', digest: image.manifest.digest })
  })

  test('is refused in the words of the registry when it names another, and the hint says how to go on', async () => {
    const registry = await immutable(older, status, body)
    await expect(registry.push(image)).rejects.toMatchObject({
      message: expect.stringContaining(JSON.parse(body).errors[0].message),
      hint: expect.stringContaining('--allow-immutable-tags'),
    })
    expect(registry.log.filter((line) => line.startsWith('PUT manifests/'))).toHaveLength(1)
  })

  test('stays when that is allowed, with a warning, and the image is there by its digest', async () => {
    const registry = await immutable(older, status, body)
    const [pushed] = await registry.push(image, { allowImmutableTags: true })
    expect(formatReference(pushed!)).toBe(`${registry.server.host}/team/app@${image.manifest.digest}`)
    expect(registry.manifests.get('1')).toEqual(older)
    expect(registry.manifests.get(image.manifest.digest)).toEqual(image.manifest.bytes)
    expect(registry.events).toContainEqual({
      type: 'warning',
      message: expect.stringMatching(
        new RegExp(`/team/app:1 stays ${digestOf(older)}: its registry does not let tags be moved\\.$`),
      ),
      hint: expect.stringContaining('another tag'),
    })
    expect(registry.events.at(-1)).toMatchObject({ type: 'pushed', reference: formatReference(pushed!) })
  })

  test('is no excuse for a manifest that is refused under its digest, too', async () => {
    const registry = await immutable(older, status, body, true)
    await expect(registry.push(image, { allowImmutableTags: true })).rejects.toMatchObject({
      message: expect.stringContaining(JSON.parse(body).errors[0].message),
    })
  })
})

test('a refusal of a tag that does not exist is an error, whatever is allowed', async () => {
  const registry = await fakeRegistry((request, response) => {
    const isTag = request.method === 'PUT' && request.path.endsWith('/manifests/1')
    if (isTag) end(response, 403, {}, Buffer.from('{"errors":[{"code":"DENIED","message":"read only"}]}'))
    return isTag
  })
  await expect(registry.push(image, { allowImmutableTags: true })).rejects.toMatchObject({
    code: 'REGISTRY_DENIED',
    message: expect.stringContaining('read only'),
  })
})

test('of two tags, one that stays does not keep the other from being pushed', async () => {
  const registry = await immutable(older, 412, REFUSALS[4]![2])
  const pushed = await registry.push(image, { allowImmutableTags: true }, '1', '2')
  expect(pushed.map(formatReference)).toEqual([
    `${registry.server.host}/team/app@${image.manifest.digest}`,
    `${registry.server.host}/team/app:2`,
  ])
})
