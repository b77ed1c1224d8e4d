import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import http from 'node:http'
import https from 'node:https'
import { type AddressInfo, createServer } from 'node:net'
import { Readable } from 'node:stream'
import { setImmediate, setTimeout } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import { describe, expect, onTestFinished, test } from 'vitest'
import { Network } from '../../src/network/network.ts'
import { gathered } from '../../src/oci/gathered.ts'
import { steady } from '../../src/provision/download.ts'
import { exchange } from '../../src/registry/exchange.ts'
import { PATIENCE } from '../../src/registry/retry.ts'
import { makeCertificate } from '../support/certificate.ts'
import { testFolder } from '../support/folder.ts'

const BODY = randomBytes(3 << 20)
const { signal } = new AbortController()

/** Sends `BODY` in pieces of `piece` bytes. */
async function bodies(protocol: 'http' | 'https', piece: number): Promise<URL> {
  function* pieces() {
    for (let at = 0; at < BODY.length; at += piece) yield BODY.subarray(at, at + piece)
  }
  const listener: http.RequestListener = (_, response) => void Readable.from(pieces()).pipe(response)
  const server =
    protocol === 'http' ? http.createServer(listener) : https.createServer(await ownCertificate(), listener)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return new URL(`${protocol}://127.0.0.1:${(server.address() as AddressInfo).port}/`)
}

async function ownCertificate() {
  const { certFile, keyFile } = await makeCertificate(await testFolder())
  return { cert: await readFile(certFile), key: await readFile(keyFile) }
}

function networkFor() {
  const network = new Network()
  onTestFinished(() => network.close())
  return network
}

async function read(network: Network, url: URL): Promise<AsyncIterable<Uint8Array>> {
  const ask = (agent: http.Agent) => exchange({ method: 'GET', url, headers: {}, agent, signal }, PATIENCE)
  return (await network.reach(url, ask, { unverified: true })).body
}

async function fetched(network: Network, url: URL): Promise<AsyncIterable<Uint8Array>> {
  const ask = (agent: http.Agent) => once(http.get(url, { agent }), 'response')
  const [response] = await network.reach(url, ask)
  return steady(response, 10_000)
}

describe('what sockets read into one buffer', () => {
  test.each([
    ['http', 64 << 10],
    ['http', 1000],
    ['https', 64 << 10],
  ] as const)('is whole over %s in pieces of %d bytes, although somebody takes their time', async (protocol, piece) => {
    const network = networkFor()
    const url = await bodies(protocol, piece)
    const collected = async (wait: () => Promise<unknown>) => {
      const chunks: Uint8Array[] = []
      for await (const chunk of await read(network, url)) {
        chunks.push(chunk)
        await wait()
      }
      return Buffer.concat(chunks)
    }
    const slowly = async () => {
      for (let i = 0; i < 20; i++) await setImmediate()
    }
    const got = await Promise.all([collected(slowly), collected(async () => {}), collected(slowly)])
    for (const bytes of got) expect(bytes.equals(BODY)).toBe(true)
  })
})

test('the end of a body in chunks is seen when it comes in two reads, and nobody has read so far', async () => {
  const body = 'x'.repeat(100_000)
  const server = createServer(async (socket) => {
    await once(socket, 'data')
    const head = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n'
    for (const part of [`${head}${body.length.toString(16)}\r\n${body}\r\n`, '0\r\n', '\r\n']) {
      socket.write(part)
      await setTimeout(20)
    }
    socket.end()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  const url = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`)
  const bytes = await read(networkFor(), url)
  await setTimeout(150)
  expect(Buffer.concat(await Array.fromAsync(bytes)).toString()).toBe(body)
})

/** A thread's memory is counted apart from that of others. */
const SERVER = `
const { parentPort } = require('node:worker_threads')
const chunk = Buffer.alloc(65536)
const server = require('node:http').createServer((_, response) => {
  response.setHeader('Content-Length', 64 << 20)
  require('node:stream').Readable.from(Array(1024).fill(chunk)).pipe(response)
})
server.listen(0, '127.0.0.1', () => parentPort.postMessage(server.address().port))`

test.each([
  ['of a registry', read],
  ['of a web server', fetched],
])('a download %s leaves no memory to be collected', async (_, from) => {
  const server = new Worker(SERVER, { eval: true })
  onTestFinished(() => void server.terminate())
  const [port] = await once(server, 'message')
  const before = process.memoryUsage().arrayBuffers
  let most = 0
  let size = 0
  for await (const chunk of gathered(await from(networkFor(), new URL(`http://127.0.0.1:${port}/`)), 1 << 17)) {
    size += chunk.byteLength
    most = Math.max(most, process.memoryUsage().arrayBuffers - before)
  }
  expect(size).toBe(64 << 20)
  expect(most).toBeLessThan(4 << 20)
})
