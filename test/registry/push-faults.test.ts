import type { ServerResponse } from 'node:http'
import { expect, onTestFinished, test } from 'vitest'
import { digestOf } from '../../src/oci/digest.ts'
import type { PushImage } from '../../src/registry/push.ts'
import { end, type FakeRegistry, fakeRegistry } from '../support/fake-registry.ts'
import { memoryImage } from '../support/registry-image.ts'
import { type SeenRequest, startScriptedServer } from '../support/scripted-server.ts'

const MIB = 1 << 20

const isConfig = (image: ReturnType<typeof memoryImage>, request: SeenRequest) =>
  request.path.includes(encodeURIComponent(image.config.digest)) || request.path.includes(image.config.digest)

test('each blob in one PUT, and when all are there the manifest', async () => {
  const image = memoryImage([10])
  const late: number[] = []
  const registry = await fakeRegistry(({ method, path }, _response, { blobs }, answer) => {
    if (method === 'PUT' && path.includes('/manifests/')) late.push(blobs.size)
    if (method !== 'PUT' || path.includes('/manifests/')) return false
    // Whoever did not wait for every answer would have the manifest sent before the last.
    setTimeout(answer, blobs.size === 0 ? 0 : 30)
    return true
  })
  await registry.push(image)
  const [blobs, rest] = [registry.log.slice(0, 6), registry.log.slice(6)]
  const once = ['HEAD blobs/', 'POST blobs/uploads/', 'PUT blobs/uploads/']
  expect(blobs.sort()).toEqual(once.flatMap((line) => [line, line]))
  expect(rest).toEqual(['PUT manifests/', 'GET manifests/'])
  expect(late).toEqual([2])
  expect(registry.manifests.get('1')).toEqual(image.manifest.bytes)
})

test('neither the config nor a layer waits for the other', async () => {
  const image = memoryImage([10])
  const waiting: (() => void)[] = []
  const registry = await fakeRegistry(({ method, path }, _response, _registry, answer) => {
    if (method !== 'PUT' || path.includes('/manifests/')) return false
    waiting.push(answer)
    if (waiting.length === 2) for (const go of waiting) go()
    return true
  })
  await registry.push(image)
  expect(waiting).toHaveLength(2)
})

test.each<['pushed' | 'was there']>([['pushed'], ['was there']])(
  'a blob that another upload has brought (%s) is neither asked for nor sent, and the config does not wait for it',
  async (outcome) => {
    const image = memoryImage([10])
    const [layer] = image.layers
    const config = Promise.withResolvers<void>()
    const registry = await fakeRegistry((request) => {
      if (request.method === 'PUT' && isConfig(image, request)) config.resolve()
      return false
    })
    const early: PushImage['early'] = async ({ digest }) => {
      if (digest !== layer!.digest) return undefined
      await config.promise
      return outcome
    }
    await registry.push({ ...image, early })
    expect(image.opened).toEqual([`${image.config.digest} 0`])
    expect(registry.log.filter((line) => line.startsWith('HEAD'))).toHaveLength(1)
    const told = registry.events.filter((event) => event.type === 'task-finished' && event.task.endsWith(layer!.digest))
    expect(told).toEqual([expect.objectContaining({ outcome })])
  },
)

test('a blob that fails ends an upload that began early', async () => {
  const image = memoryImage([10])
  const registry = await fakeRegistry((request, response) => {
    if (request.method !== 'POST') return false
    end(response, 403)
    return true
  })
  const early: PushImage['early'] = ({ digest }, signal) =>
    digest === image.config.digest
      ? Promise.resolve(undefined)
      : new Promise((resolve) => signal.addEventListener('abort', () => resolve(undefined)))
  await expect(registry.push({ ...image, early })).rejects.toMatchObject({ code: 'REGISTRY_DENIED' })
})

test('a PUT that is too large is followed by chunks, which become smaller until they are taken', async () => {
  const image = memoryImage([5 * MIB])
  const sizes: number[] = []
  const registry = await fakeRegistry((request, response) => {
    const isLarge = request.body.length > 1.5 * MIB
    if (request.method === 'PATCH' && !isLarge) sizes.push(request.body.length)
    if (isLarge) end(response, 413)
    return isLarge
  })
  await registry.push(image)
  expect(registry.blobs).toEqual(new Set(image.blobs.keys()))
  expect(Math.max(...sizes)).toBeLessThanOrEqual(1.5 * MIB)
  const progress = registry.events.flatMap((event) => (event.type === 'task-progress' ? [event] : []))
  const layer = progress.filter((event) => event.task.endsWith(image.layers[0]!.digest))
  expect(layer.at(-1)).toMatchObject({ done: image.layers[0]!.size, total: image.layers[0]!.size })
  expect(sizes.length).toBeGreaterThan(3)
})

test.each<[string, (response: ServerResponse, request: SeenRequest, held: FakeRegistry) => void]>([
  ['503', (response) => end(response, 503)],
  ['429 with Retry-After', (response) => end(response, 429, { 'Retry-After': '0' })],
  ['a reset', (response) => response.destroy()],
  ['416 and where it is', (response) => end(response, 416, { Range: '0-0' })],
])('a chunk that meets %s is sent again from where the registry is', async (_, breakIt) => {
  const image = memoryImage([20 * MIB])
  let broken = 0
  const registry = await fakeRegistry((request, response, held) => {
    const isWhole = request.method === 'PUT' && request.body.length > MIB
    if (isWhole) {
      end(response, 413)
      return true
    }
    if (request.method !== 'PATCH' || broken++ > 0) return false
    breakIt(response, request, held)
    return true
  })
  await registry.push(image)
  expect(registry.blobs).toEqual(new Set(image.blobs.keys()))
  expect(registry.log.filter((line) => line.startsWith('PATCH'))).toHaveLength(3)
})

test('a chunk of which the registry kept a part is continued behind that part', async () => {
  const image = memoryImage([20 * MIB])
  let patches = 0
  const registry = await fakeRegistry((request, response, { sessions }) => {
    if (request.method === 'PUT' && request.body.length > MIB) {
      end(response, 413)
      return true
    }
    if (request.method !== 'PATCH' || patches++ > 0) return false
    const id = new URL(request.path, 'http://x').searchParams.get('state')!
    sessions.set(id, request.body.subarray(0, 1000))
    end(response, 202, { Range: '0-999' })
    return true
  })
  await registry.push(image)
  expect(registry.blobs).toEqual(new Set(image.blobs.keys()))
  expect(image.opened.some((line) => line.endsWith(' 1000'))).toBe(true)
})

test.each<[string, (response: ServerResponse) => void, number]>([
  ['503', (response) => end(response, 503), 2],
  ['a reset', (response) => response.destroy(), 2],
  ['404, the session being lost', (response) => end(response, 404), 2],
])('a PUT that meets %s is tried in a new session', async (_, breakIt, posts) => {
  const image = memoryImage([10])
  let broken = 0
  const registry = await fakeRegistry((request, response) => {
    if (request.method !== 'PUT' || broken++ > 0) return false
    breakIt(response)
    return true
  })
  await registry.push(image)
  expect(registry.blobs).toEqual(new Set(image.blobs.keys()))
  expect(registry.log.filter((line) => line.startsWith('POST'))).toHaveLength(posts + 1)
  expect(registry.events.filter((event) => event.type === 'retry').length).toBeGreaterThan(0)
})

test('an answer that is lost after the blob was stored is no failure', async () => {
  const image = memoryImage([10])
  const registry = await fakeRegistry((request, response, { blobs }) => {
    if (request.method !== 'PUT' || !request.path.includes('digest=')) return false
    blobs.add(new URL(request.path, 'http://x').searchParams.get('digest')!)
    response.destroy()
    return true
  })
  await registry.push(image)
  expect(image.opened).toHaveLength(2)
})

test('bytes that are refused twice are not sent a third time', async () => {
  const image = memoryImage([10])
  const registry = await fakeRegistry((request, response) => {
    if (request.method !== 'PUT') return false
    end(response, 400, {}, Buffer.from('{"errors":[{"code":"DIGEST_INVALID","message":"no"}]}'))
    return true
  })
  await expect(registry.push(image)).rejects.toMatchObject({
    code: 'REGISTRY_ERROR',
    message: expect.stringContaining('DIGEST_INVALID: no'),
  })
  const digests = registry.server.seen.flatMap(({ method, path }) =>
    method === 'PUT' ? [path.split('digest=')[1]] : [],
  )
  const tries = [...Map.groupBy(digests, (digest) => digest).values()].map(({ length }) => length)
  expect(Math.max(...tries)).toBe(2)
})

test('a Location elsewhere gets the bytes and no credentials', async () => {
  const image = memoryImage([10])
  const storage = await startScriptedServer((_, response) => end(response, 201))
  onTestFinished(() => storage.stop())
  const registry = await fakeRegistry(
    (request, response) => {
      if (request.headers.authorization === undefined) {
        end(response, 401, { 'WWW-Authenticate': 'Basic realm="x"' })
        return true
      }
      if (request.method !== 'POST') return false
      end(response, 202, { Location: `http://${storage.host}/up?a=%7E&b=c+d` })
      return true
    },
    { credentials: async () => ({ kind: 'password', username: 'bob', password: 'x', source: 'y' }) },
  )
  await registry.push(image)
  expect(storage.seen).toHaveLength(2)
  expect(storage.seen.map((request) => request.headers.authorization)).toEqual([undefined, undefined])
  const paths = [...image.blobs.keys()].map((digest) => `/up?a=%7E&b=c+d&digest=${encodeURIComponent(digest)}`)
  expect(storage.seen.map(({ path }) => path).sort()).toEqual(paths.sort())
})

test.each([
  [undefined, 'without a Location'],
  ['http://169.254.169.254/x', 'link-local'],
])('a Location %s is refused', async (location, words) => {
  const registry = await fakeRegistry((request, response) => {
    if (request.method !== 'POST') return false
    end(response, 202, location === undefined ? {} : { Location: location })
    return true
  })
  await expect(registry.push(memoryImage([10]))).rejects.toMatchObject({
    code: 'REGISTRY_ERROR',
    message: expect.stringContaining(words),
  })
})

test.each([403, 405, 404])('a registry that answers %i to every HEAD gets every blob', async (status) => {
  const image = memoryImage([10])
  const registry = await fakeRegistry((request, response) => {
    if (request.method === 'HEAD') end(response, status)
    return request.method === 'HEAD'
  })
  await registry.push(image)
  expect(registry.blobs).toEqual(new Set(image.blobs.keys()))
})

test('a token that ends between two requests of an upload is renewed once, and the upload goes on', async () => {
  const image = memoryImage([10])
  let token = 0
  const registry = await fakeRegistry(
    (request, response) => {
      if (request.path.startsWith('/token')) {
        end(response, 200, {}, Buffer.from(JSON.stringify({ access_token: `t${++token}` })))
        return true
      }
      const isFresh = request.headers.authorization === `Bearer t${token}`
      if (isFresh && !(request.method === 'PUT' && token === 1)) return false
      const realm = `http://${request.headers.host}/token`
      end(response, 401, { 'WWW-Authenticate': `Bearer realm="${realm}",service="s"` })
      return true
    },
    { credentials: async () => ({ kind: 'password', username: 'bob', password: 'x', source: 'y' }) },
  )
  await registry.push(image)
  expect(token).toBe(2)
  expect(registry.blobs).toEqual(new Set(image.blobs.keys()))
})

test('a tag that reads back as another manifest is an error that names both digests', async () => {
  const image = memoryImage([10])
  const registry = await fakeRegistry((request, response) => {
    const isRead = request.method === 'GET' && request.path.includes('/manifests/')
    if (isRead) end(response, 200, { 'Docker-Content-Digest': image.manifest.digest }, Buffer.from('{}'))
    return isRead
  })
  await expect(registry.push(image)).rejects.toMatchObject({
    code: 'REGISTRY_ERROR',
    message: expect.stringContaining(`is ${digestOf('{}')} after the push; ${image.manifest.digest} was pushed`),
  })
})

test('a tag that must not be changed is refused in the words of the registry, and tried once', async () => {
  const image = memoryImage([10])
  const registry = await fakeRegistry((request, response) => {
    const isTag = request.method === 'PUT' && request.path.includes('/manifests/')
    if (isTag) end(response, 409, {}, Buffer.from('{"errors":[{"code":"TAG_INVALID","message":"immutable"}]}'))
    return isTag
  })
  await expect(registry.push(image)).rejects.toMatchObject({
    message: expect.stringContaining('TAG_INVALID: immutable'),
  })
  expect(registry.log.filter((line) => line.startsWith('PUT manifests'))).toHaveLength(1)
})

test('of several blobs, one that fails ends the others, and no manifest is sent', async () => {
  const image = memoryImage([10, 11, 12, 13, 14, 15, 16, 17])
  const registry = await fakeRegistry((request, response) => {
    if (request.method !== 'POST') return false
    end(response, 403, {}, Buffer.from('{"errors":[{"code":"DENIED","message":"read only"}]}'))
    return true
  })
  await expect(registry.push(image)).rejects.toMatchObject({ code: 'REGISTRY_DENIED' })
  expect(registry.log.filter((line) => line.includes('manifests'))).toEqual([])
  expect(registry.log.filter((line) => line.startsWith('POST')).length).toBeLessThanOrEqual(4)
})

const isLayer = (image: ReturnType<typeof memoryImage>, request: SeenRequest) =>
  request.path.includes(encodeURIComponent(image.layers[0]!.digest))

test.each<[string, (response: ServerResponse) => void]>([
  ['503', (response) => end(response, 503)],
  ['a reset', (response) => response.destroy()],
  ['400', (response) => end(response, 400)],
])('an upload session that meets %s is ended with DELETE, once the blob is not there', async (_, breakIt) => {
  const image = memoryImage([10])
  const registry = await fakeRegistry((request, response) => {
    const isUpload = request.method === 'PUT' && isLayer(image, request)
    if (isUpload) breakIt(response)
    return isUpload
  })
  registry.blobs.add(image.config.digest)
  await expect(registry.push(image)).rejects.toMatchObject({ code: expect.stringMatching(/^REGISTRY_/) })
  expect(registry.sessions.size).toBe(0)
  const count = (start: string) => registry.log.filter((line) => line.startsWith(start)).length
  expect(count('DELETE')).toBe(count('POST'))
  expect(registry.log.indexOf('DELETE blobs/uploads/')).toBeGreaterThan(registry.log.lastIndexOf('HEAD blobs/', 4))
})

test('a push that is interrupted ends its upload sessions, and does not wait long for that', async () => {
  const image = memoryImage([10, 20])
  const controller = new AbortController()
  const registry = await fakeRegistry((request, response) => {
    // One DELETE gets no answer.
    if (request.method === 'DELETE' && request.path.includes('state=1')) return true
    if (request.method !== 'PUT') return false
    setTimeout(() => controller.abort(), 50)
    return response.writable
  })
  registry.blobs.add(image.config.digest)
  await expect(registry.push(image, { signal: controller.signal })).rejects.toMatchObject({ code: 'INTERRUPTED' })
  expect(registry.log.filter((line) => line.startsWith('DELETE'))).toHaveLength(2)
})

test('a session that the registry has lost, or that is somewhere else, is not ended', async () => {
  const image = memoryImage([10])
  const storage = await startScriptedServer((_, response) => end(response, 403))
  onTestFinished(() => storage.stop())
  const registry = await fakeRegistry((request, response) => {
    if (request.method === 'POST') end(response, 202, { Location: `http://${storage.host}/up` })
    return request.method === 'POST'
  })
  registry.blobs.add(image.config.digest)
  await expect(registry.push(image)).rejects.toMatchObject({ code: 'REGISTRY_DENIED' })
  expect(storage.seen.map((request) => request.method)).toEqual(['PUT'])
})

test.each([400, 403, 405, 501])(
  'where HEAD of a blob is answered with %i, GET says whether it is there',
  async (status) => {
    const image = memoryImage([10])
    const registry = await fakeRegistry((request, response, { blobs }) => {
      if (request.method === 'HEAD') end(response, status)
      const digest = request.path.split('/').at(-1)!
      const isBlob = request.method === 'GET' && blobs.has(digest)
      if (isBlob) end(response, 200, {}, image.blobs.get(image.layers[0]!.digest))
      return request.method === 'HEAD' || isBlob
    })
    registry.blobs.add(image.layers[0]!.digest)
    await registry.push(image)
    expect(image.opened).toEqual([`${image.config.digest} 0`])
  },
)
