import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { parseReference, type Reference } from '../../src/oci/reference.ts'
import { RegistryClient } from '../../src/registry/client.ts'
import { EarlyPush } from '../../src/registry/early-push.ts'
import { pushImage } from '../../src/registry/push.ts'
import { startRegistry, type TestRegistry } from '../support/registry.ts'
import { memoryImage, testConnection } from '../support/registry-image.ts'
import { startScriptedServer } from '../support/scripted-server.ts'

const { signal } = new AbortController()

/** What a build does: the last layer is new, the others are the base's. */
function pushTo(target: Reference) {
  const { connection, events } = testConnection()
  onTestFinished(() => connection.close())
  const early = new EarlyPush(new RegistryClient(connection, target, 'push'), target, {
    signal,
    report: connection.report,
  })
  return {
    early,
    push: (image: ReturnType<typeof memoryImage>) => {
      const role = (digest: string) => {
        if (digest === image.config.digest) return 'config'
        return digest === image.layers.at(-1)?.digest ? 'layer' : 'base'
      }
      const options = { signal, report: connection.report }
      const finish = (blob: typeof image.config, either: AbortSignal) => early.finish(blob, role(blob.digest), either)
      return pushImage({ ...image, early: finish }, [target], connection, options)
    },
    outcomes: () => events.flatMap((event) => (event.type === 'task-finished' ? [event.outcome] : [])).toSorted(),
  }
}

describe('EarlyPush', () => {
  let registry: TestRegistry
  const image = memoryImage([1000, 2000, 3000])
  const base = image.layers.slice(0, -1)
  let seen = 0

  const named = (repository: string) => parseReference(`${registry.host}/${repository}:1`)
  /** Of what has been asked about a repository since `seen`. */
  const methods = async (repository: string) => {
    const asked = (await registry.requests()).slice(seen).filter((line) => line.includes(` /v2/${repository}/`))
    return asked.map((line) => line.split(' ')[0]).toSorted()
  }

  beforeAll(async () => {
    registry = await startRegistry()
    const { connection } = testConnection()
    await pushImage(image, [named('base')], connection, { signal, report: connection.report })
    connection.close()
  })
  afterAll(() => registry?.stop())
  beforeEach(async () => {
    seen = (await registry.requests()).length
  })

  test('leaves one request for each new blob, and none for a base, to the push', async () => {
    const { early, push, outcomes } = pushTo(named('app'))
    early.prepare()
    early.look(base, named('base'))
    early.look(base, named('base'))
    await expect.poll(() => methods('app')).toEqual(['HEAD', 'HEAD', 'POST', 'POST', 'POST', 'POST'])
    seen = (await registry.requests()).length
    await push(image)
    await early.abandon()
    expect(await methods('app')).toEqual(['GET', 'PUT', 'PUT', 'PUT'])
    expect(outcomes()).toEqual(['mounted', 'mounted', 'pushed', 'pushed'])
  })

  test('finds what the repository has, without another to take it from', async () => {
    const { early, outcomes, push } = pushTo(named('base'))
    early.look(base, named('base'))
    await push(image)
    expect(outcomes()).toEqual(['was there', 'was there', 'was there', 'was there'])
    expect(await methods('base')).toEqual(['GET', 'HEAD', 'HEAD', 'HEAD', 'HEAD', 'PUT'])
  })

  test('leaves no session open in the registry when nothing is pushed', async () => {
    const other = memoryImage([10])
    const { early } = pushTo(named('given-up'))
    early.prepare()
    // The registry opens a session for what it cannot mount.
    early.look(other.layers, named('base'))
    await early.abandon()
    expect(await methods('given-up')).toEqual(['DELETE', 'DELETE', 'DELETE', 'HEAD', 'POST', 'POST', 'POST'])
    const ended = (await registry.requests()).slice(seen).filter((line) => line.startsWith('DELETE '))
    expect(ended.map((line) => line.split(' ').at(-1))).toEqual(['204', '204', '204'])
  })

  test('leaves everything to a push that can do it where nothing of it worked', async () => {
    let isOpen = false
    const refusing = await startScriptedServer((request, response) => {
      if (!isOpen) return void response.writeHead(request.path.startsWith('/v2/') ? 403 : 200).end()
      const answer = { HEAD: 200, PUT: 201, GET: 200 }[request.method] ?? 500
      response.writeHead(answer, { 'Content-Type': image.manifest.mediaType })
      response.end(request.method === 'GET' ? image.manifest.bytes : '')
    })
    onTestFinished(() => refusing.stop())
    const target = parseReference(`${refusing.host}/team/app:1`)
    const { early, push, outcomes } = pushTo(target)
    early.prepare()
    early.look(base, target)
    while (refusing.seen.filter(({ method }) => method === 'POST').length < 2) await sleep(1)
    for (const blob of base) expect(await early.finish(blob, 'base', signal)).toBeUndefined()
    isOpen = true
    await push(image)
    expect(outcomes()).toEqual(['was there', 'was there', 'was there', 'was there'])
  })

  test('does not wait for a registry that never answers when nothing is pushed', async () => {
    const silent = await startScriptedServer(({ path }, response) => {
      if (path === '/v2/') response.end()
    })
    onTestFinished(() => silent.stop())
    const target = parseReference(`${silent.host}/team/app:1`)
    const { early } = pushTo(target)
    early.prepare()
    early.look(image.layers, target)
    await expect.poll(() => silent.seen.length).toBeGreaterThan(2)
    await early.abandon()
    for (const blob of image.layers) expect(await early.finish(blob, 'base', signal)).toBeUndefined()
  })

  test('does not keep the failure of another blob from being told', async () => {
    const odd = await startScriptedServer(({ method, path }, response) => {
      // A HEAD for the base gets no answer.
      if (path === '/v2/') response.end()
      else if (method === 'HEAD' && !base.some(({ digest }) => path.endsWith(digest))) response.writeHead(404).end()
      else if (method === 'POST') response.writeHead(202, { Location: '/v2/team/app/blobs/uploads/1' }).end()
      else if (method === 'PUT') response.writeHead(403).end()
    })
    onTestFinished(() => odd.stop())
    const target = parseReference(`${odd.host}/team/app:1`)
    const { early, push } = pushTo(target)
    early.prepare()
    early.look(base, target)
    await expect(push(image)).rejects.toMatchObject({ code: 'REGISTRY_DENIED' })
    await early.abandon()
  })

  test.each([400, 403, 404])('opens another session where the registry has forgotten one (%i)', async (status) => {
    const small = memoryImage([10])
    let opened = 0
    const forgetful = await startScriptedServer(({ method, path }, response) => {
      const isForgotten = /uploads\/[12]\?/.test(path)
      const answers = { HEAD: 404, GET: 200, POST: 202, PUT: isForgotten ? status : 201 }
      const location = method === 'POST' ? { Location: `/v2/team/app/blobs/uploads/${++opened}` } : {}
      response.writeHead(answers[method as 'PUT'] ?? 204, { 'Content-Type': small.manifest.mediaType, ...location })
      response.end(method === 'GET' && path.includes('manifests') ? small.manifest.bytes : '')
    })
    onTestFinished(() => forgetful.stop())
    const { early, push, outcomes } = pushTo(parseReference(`${forgetful.host}/team/app:1`))
    early.prepare()
    await push(small)
    expect(outcomes()).toEqual(['pushed', 'pushed'])
    expect(opened).toBe(4)
  })
})
