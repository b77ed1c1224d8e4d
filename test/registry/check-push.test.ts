import { expect, onTestFinished, test } from 'vitest'
import { parseReference } from '../../src/oci/reference.ts'
import { checkPush } from '../../src/registry/check-push.ts'
import { startRegistry } from '../support/registry.ts'
import { knowsUser, testConnection } from '../support/registry-image.ts'
import { startScriptedServer } from '../support/scripted-server.ts'

const { signal } = new AbortController()

async function check(names: readonly string[], options: Parameters<typeof testConnection>[0] = {}): Promise<void> {
  const { connection } = testConnection(options)
  onTestFinished(() => connection.close())
  await checkPush(names.map(parseReference), connection, signal)
}

test('opens an upload in each repository once, and takes it back', async () => {
  const registry = await startRegistry()
  onTestFinished(() => registry.stop())
  await check(['a:1', 'a:2', 'b/c:1'].map((name) => `${registry.host}/${name}`))
  const asked = async () => {
    const uploads = (await registry.requests()).filter((line) => line.includes('/blobs/uploads/'))
    return uploads.map((line) => line.replace(/uploads\/\S*/, 'uploads/')).toSorted()
  }
  await expect
    .poll(asked)
    .toEqual([
      'DELETE /v2/a/blobs/uploads/ 204',
      'DELETE /v2/b/c/blobs/uploads/ 204',
      'POST /v2/a/blobs/uploads/ 202',
      'POST /v2/b/c/blobs/uploads/ 202',
    ])
})

test('finds out who may not push, with and without a token server', async () => {
  for (const auth of ['basic', 'token'] as const) {
    const registry = await startRegistry({ auth })
    onTestFinished(() => registry.stop())
    await expect(check([`${registry.host}/a:1`])).rejects.toMatchObject({ code: 'REGISTRY_UNAUTHORIZED' })
    await check([`${registry.host}/a:1`], { credentials: knowsUser })
  }
})

test.each([
  [403, 'REGISTRY_DENIED'],
  [404, 'REGISTRY_NOT_FOUND'],
  [400, 'REGISTRY_ERROR'],
])('an upload that is answered with %i is %s', async (status, code) => {
  const server = await startScriptedServer(({ method }, response) => {
    response.writeHead(method === 'POST' ? status : 200).end()
  })
  onTestFinished(() => server.stop())
  await expect(check([`${server.host}/a:1`])).rejects.toMatchObject({ code })
})

test('finds that nobody is there', async () => {
  const server = await startScriptedServer((_, response) => void response.end())
  await server.stop()
  await expect(check([`${server.host}/a:1`])).rejects.toMatchObject({ code: 'REGISTRY_UNREACHABLE' })
})

test('leaves it to the push to see what a registry has that can only be read', async () => {
  const server = await startScriptedServer(({ method }, response) => {
    response.writeHead(method === 'POST' ? 405 : 200).end()
  })
  onTestFinished(() => server.stop())
  await check([`${server.host}/a:1`])
  expect(server.seen.filter(({ method }) => method === 'POST')).toHaveLength(1)
})
