import { readdirSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, onTestFinished, test } from 'vitest'
import { digestOf } from '../../src/oci/digest.ts'
import type { Descriptor } from '../../src/oci/source.ts'
import { TempFile } from '../../src/oci/temp-file.ts'
import { RegistryClient } from '../../src/registry/client.ts'
import { EarlyUpload } from '../../src/registry/early-upload.ts'
import { hasBlob } from '../../src/registry/has-blob.ts'
import { descriptorOf, wordy } from '../support/bytes.ts'
import { testFolder } from '../support/folder.ts'
import { Random } from '../support/random-tree.ts'
import { startRegistry } from '../support/registry.ts'
import { testConnection } from '../support/registry-image.ts'
import { type Script, startScriptedServer } from '../support/scripted-server.ts'

const { signal } = new AbortController()
const bytes = wordy(new Random(1), 5 << 20)
const blob: Descriptor = descriptorOf(bytes)
const half = bytes.length / 2
const SESSION = '/v2/team/app/blobs/uploads/1?state=a%2Fb'

function uploadTo(host: string) {
  const { connection, events } = testConnection()
  onTestFinished(() => connection.close())
  const client = new RegistryClient(connection, { registry: host, repository: 'team/app' }, 'push')
  return { client, events, upload: new EarlyUpload(client, { signal, report: connection.report }) }
}

async function newFile(): Promise<TempFile> {
  return TempFile.create(join(await testFolder(), 'blob'))
}

/** A registry that says yes to everything but what `answers` has, and has no blob. */
async function yesServer(
  answers: Readonly<Record<string, number>> = {},
  headers: Readonly<Record<string, string>> = {},
) {
  const script: Script = ({ method }, response) => {
    const usual = { HEAD: 404, POST: 202, PATCH: 202, PUT: 201 }[method] ?? 500
    response.writeHead(answers[method] ?? usual, { Location: SESSION, ...headers }).end()
  }
  const server = await startScriptedServer(script)
  onTestFinished(() => server.stop())
  return server
}

async function write(file: TempFile, part: Uint8Array): Promise<void> {
  await file.write(part)
}

async function uploadWhole(host: string, content = bytes) {
  const made = uploadTo(host)
  const file = await newFile()
  made.upload.start(file.follow())
  await write(file, content)
  await file.commit(`${file.path}.done`)
  const outcome = await made.upload.finish(descriptorOf(content), signal)
  return { ...made, outcome }
}

describe('EarlyUpload', () => {
  test('sends a blob to a real registry while it is made, and it is there at the end', async () => {
    const registry = await startRegistry()
    onTestFinished(() => registry.stop())
    const { client, upload, events } = uploadTo(registry.host)
    const file = await newFile()
    upload.start(file.follow())
    await write(file, bytes.subarray(0, half))
    // Half of it is on its way before the other half exists.
    while (!events.some((event) => event.type === 'task-progress')) await sleep(10)
    expect(await hasBlob(client, blob, signal)).toBe(false)
    await write(file, bytes.subarray(half))
    await file.commit(`${file.path}.done`)
    expect(await upload.finish(blob, signal)).toBe('pushed')
    expect(await hasBlob(client, blob, signal)).toBe(true)
    const uploads = (await registry.requests()).filter((line) => line.includes('/uploads/'))
    expect(uploads.map((line) => line.replace(/ \S+/, ''))).toEqual(['POST 202', 'PATCH 202', 'PUT 201'])
  })

  test('opens its session before there is a file, and hands it over when the file stays small', async () => {
    const server = await yesServer({ DELETE: 204 })
    const { upload } = uploadTo(server.host)
    upload.prepare()
    const file = await newFile()
    upload.start(file.follow())
    await write(file, bytes.subarray(0, 1000))
    await file.commit(`${file.path}.done`)
    const location = new URL(SESSION, `http://${server.host}`)
    expect(await upload.finish(blob, signal)).toEqual({ location, leastChunk: 0 })
    await upload.abandon()
    expect(server.seen.map(({ method }) => method)).toEqual(['POST'])
  })

  test.each([
    ['sends nothing', 1, ['HEAD', 'POST']],
    ['sends it', 0, ['HEAD', 'PATCH', 'POST', 'PUT']],
  ])('to a registry that wants chunks that are larger by %#: %s', async (_, more, methods) => {
    const least = bytes.length + more
    const server = await yesServer({}, { 'OCI-Chunk-Min-Length': String(least) })
    const { outcome, upload } = await uploadWhole(server.host)
    const location = new URL(SESSION, `http://${server.host}`)
    // The session, and what it wants, is for whoever sends the blob at once.
    expect(outcome).toEqual(more === 0 ? 'pushed' : { location, leastChunk: least })
    await upload.abandon()
    expect(server.seen.map(({ method }) => method).sort()).toEqual(methods)
  })

  test('leaves no session open that nobody took', async () => {
    const server = await yesServer({ DELETE: 204 })
    const { upload } = uploadTo(server.host)
    upload.prepare()
    while (server.seen.length === 0) await sleep(1)
    await upload.abandon()
    expect(await upload.finish(blob, signal)).toBeUndefined()
    expect(server.seen.map(({ method }) => method)).toEqual(['POST', 'DELETE'])
  })

  test('opens one session, however often it is prepared', async () => {
    const server = await yesServer()
    const { upload } = uploadTo(server.host)
    upload.prepare()
    upload.prepare()
    const file = await newFile()
    upload.start(file.follow())
    await write(file, bytes)
    await file.commit(`${file.path}.done`)
    expect(await upload.finish(blob, signal)).toBe('pushed')
    expect(server.seen.filter(({ method }) => method === 'POST')).toHaveLength(1)
  })

  test('sends one request in chunks without a length, then the digest, the location kept as it came', async () => {
    const server = await yesServer()
    await uploadWhole(server.host)
    const patch = server.seen.find(({ method }) => method === 'PATCH')!
    expect(patch.headers['transfer-encoding']).toBe('chunked')
    expect(digestOf(patch.body)).toBe(blob.digest)
    expect(server.seen.find(({ method }) => method === 'PUT')!.path).toBe(
      `${SESSION}&digest=${encodeURIComponent(blob.digest)}`,
    )
  })

  test.each([
    ['POST', 401],
    ['POST', 503],
    ['PATCH', 405],
    ['PATCH', 413],
    ['PATCH', 500],
    ['PUT', 400],
  ])('leaves a %s that is answered with %i to the ordinary upload, at the first try', async (method, status) => {
    const server = await yesServer({ [method]: status })
    const { events } = await uploadWhole(server.host)
    expect(server.seen.filter((request) => request.method === method)).toHaveLength(1)
    expect(events.filter(({ type }) => type === 'retry' || type === 'warning')).toEqual([])
  })

  test('says nothing and sends nothing for a blob that is small, or when nobody is there', async () => {
    const server = await yesServer()
    const { events, outcome } = await uploadWhole(server.host, bytes.subarray(0, 1000))
    expect(outcome).toBeUndefined()
    expect(server.seen).toEqual([])
    expect(events).toEqual([])
    await server.stop()
    await uploadWhole(server.host)
  })

  test('ends in the middle when the registry turns out to have the blob', async () => {
    const server = await startScriptedServer((request, response) => {
      // A PATCH gets no answer: only the HEAD says what is known.
      if (request.method === 'HEAD') response.writeHead(200).end()
      else if (request.method === 'POST') response.writeHead(202, { Location: '/v2/team/app/blobs/uploads/1' }).end()
    })
    onTestFinished(() => server.stop())
    const { outcome } = await uploadWhole(server.host)
    expect(outcome).toBe('was there')
    expect(server.seen.filter(({ method }) => method === 'PUT')).toEqual([])
  })

  test('is given up when the rest of a push has failed', async () => {
    const server = await startScriptedServer(({ method }, response) => {
      if (method === 'HEAD') response.writeHead(404).end()
      if (method === 'POST') response.writeHead(202, { Location: '/v2/team/app/blobs/uploads/1' }).end()
      if (method === 'PATCH') {
        stop.abort()
        setTimeout(() => response.writeHead(202, { Location: '/v2/team/app/blobs/uploads/1' }).end(), 20)
      }
      if (method === 'DELETE') response.writeHead(204).end()
    })
    onTestFinished(() => server.stop())
    const stop = new AbortController()
    const { upload } = uploadTo(server.host)
    const file = await newFile()
    upload.start(file.follow())
    await write(file, bytes)
    await file.commit(`${file.path}.done`)
    expect(await upload.finish(blob, stop.signal)).toBeUndefined()
    await upload.abandon()
    expect(server.seen.map(({ method }) => method).filter((method) => method === 'PUT' || method === 'DELETE')).toEqual(
      ['DELETE'],
    )
  })

  test('has a real registry forget what it got when it is given up', async () => {
    const registry = await startRegistry()
    onTestFinished(() => registry.stop())
    const { upload, events } = uploadTo(registry.host)
    const file = await newFile()
    upload.start(file.follow())
    await write(file, bytes.subarray(0, half))
    const uploads = join(registry.storage, 'docker/registry/v2/repositories/team/app/_uploads')
    while (!events.some((event) => event.type === 'task-progress')) await sleep(10)
    const kept = () =>
      readdirSync(uploads, { recursive: true, encoding: 'utf8' }).filter((path) => /\/data$/.test(path))
    expect(kept()).toHaveLength(1)
    await file.discard()
    await upload.abandon()
    expect(kept()).toEqual([])
    expect((await registry.requests()).at(-1)).toMatch(/^DELETE .* 204$/)
  })

  test('does not hold up whoever writes when the registry never answers, and can be given up', async () => {
    const server = await startScriptedServer(({ method }, response) => {
      if (method === 'POST') response.writeHead(202, { Location: '/v2/team/app/blobs/uploads/1' }).end()
    })
    onTestFinished(() => server.stop())
    const { upload, events } = uploadTo(server.host)
    const file = await newFile()
    upload.start(file.follow())
    for (let i = 0; i < 8; i++) await write(file, bytes)
    await file.commit(`${file.path}.done`)
    await upload.abandon()
    expect(events.at(-1)).toMatchObject({ type: 'task-finished', outcome: 'given up' })
    // Of which the registry is told: it would keep the bytes for a week.
    const methods = server.seen.map(({ method }) => method)
    expect([methods[0], methods.at(-1)]).toEqual(['POST', 'DELETE'])
  })

  test('leaves no bytes in a real registry when it is given up after all was sent', async () => {
    const registry = await startRegistry()
    onTestFinished(() => registry.stop())
    const { upload, events } = uploadTo(registry.host)
    const file = await newFile()
    upload.start(file.follow())
    await write(file, bytes)
    await file.commit(`${file.path}.done`)
    while (!events.some((event) => event.type === 'task-finished')) await sleep(10)
    await upload.abandon()
    expect((await registry.requests()).at(-1)).toMatch(/^DELETE .* 204$/)
    const uploads = join(registry.storage, 'docker/registry/v2/repositories/team/app/_uploads')
    // It writes an empty hash state after it has removed the rest.
    expect((await readdir(uploads, { recursive: true })).filter((name) => name.endsWith('/data'))).toEqual([])
  })

  test('gives up with a file that is given up, and never says that it is whole', async () => {
    const server = await yesServer()
    const { upload } = uploadTo(server.host)
    const file = await newFile()
    upload.start(file.follow())
    await write(file, bytes)
    await file.discard()
    await upload.finish(blob, signal)
    expect(server.seen.filter(({ method }) => method === 'PUT')).toEqual([])
  })
})
