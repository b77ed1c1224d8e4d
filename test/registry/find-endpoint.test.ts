import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { setImmediate as turn } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { Network } from '../../src/network/network.ts'
import { parseReference } from '../../src/oci/reference.ts'
import { registrySource } from '../../src/registry/pull.ts'
import { pushImage } from '../../src/registry/push.ts'
import { startProxy } from '../support/proxy.ts'
import { freePort, type RegistryOptions, startRegistry, type TestRegistry } from '../support/registry.ts'
import { knowsUser, memoryImage, testConnection } from '../support/registry-image.ts'

const { signal } = new AbortController()
const REGISTRY = 'Docker-Distribution-Api-Version: registry/2.0\r\n'

/** What a connection began with: whether it was TLS, and the head of its first request if not. */
interface Begun {
  readonly isTls: boolean
  readonly text: string
}

/** A port before a registry that notes how each connection begins, and may give plain http something else. */
async function portBefore(host: string, plain?: (socket: Socket) => void) {
  const begun: Begun[] = []
  const server = createServer((socket) => {
    socket.on('error', () => {})
    socket.once('data', (first: Buffer) => {
      const isTls = first[0] === 0x16
      begun.push({ isTls, text: isTls ? '' : first.toString('latin1') })
      if (!isTls && plain !== undefined) return plain(socket)
      const [address, port] = host.split(':')
      const inner = connect(Number(port), address, () => inner.write(first))
      inner.on('error', () => socket.destroy())
      socket.pipe(inner).pipe(socket)
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  return { port: `127.0.0.1:${(server.address() as AddressInfo).port}`, begun }
}

function endpointOf(registry: string, options: Parameters<typeof testConnection>[0] = {}) {
  const { connection } = testConnection(options)
  onTestFinished(() => connection.close())
  return connection.endpoint(registry, signal)
}

async function registryWith(options: RegistryOptions) {
  const registry = await startRegistry(options)
  onTestFinished(() => registry.stop())
  return registry
}

describe('a registry of this machine', () => {
  test.each<RegistryOptions['auth']>(['none', 'basic', 'token'])(
    'that speaks plain http (auth: %s) is never asked by TLS, nor shown anything before it asks',
    async (auth) => {
      const registry = await registryWith({ auth: auth! })
      const { port, begun } = await portBefore(registry.host)
      const { connection } = testConnection({ credentials: knowsUser })
      onTestFinished(() => connection.close())
      const reference = parseReference(`${port}/team/app:1`)
      const image = memoryImage([100])
      await pushImage(image, [reference], connection, { signal, report: connection.report })
      expect((await registrySource(reference, connection).resolve(signal)).digest).toBe(image.manifest.digest)
      expect(begun.filter(({ isTls }) => isTls)).toEqual([])
      expect(begun[0]!.text).toMatch(/^GET \/v2\/ HTTP/)
      expect(begun[0]!.text).not.toMatch(/authorization/i)
    },
  )

  test('at which nobody listens is told so, of the request that was wanted', async () => {
    const host = `127.0.0.1:${await freePort()}`
    const { connection } = testConnection()
    const asked = registrySource(parseReference(`${host}/team/app:1`), connection).resolve(signal)
    await expect(asked).rejects.toMatchObject({
      code: 'REGISTRY_UNREACHABLE',
      message: `manifest 1 of ${host}/team/app: ${host}: nothing listens there.`,
    })
  })

  test('is no longer looked for when the build is stopped', async () => {
    const { port } = await portBefore('127.0.0.1:1', () => {})
    const stop = new AbortController()
    const { connection } = testConnection()
    const looking = connection.endpoint(port, stop.signal)
    looking.catch(() => {})
    await turn()
    stop.abort()
    await expect(looking).rejects.toMatchObject({ code: 'INTERRUPTED' })
  })
})

describe('a registry of this machine that speaks TLS', () => {
  let registry: TestRegistry
  beforeAll(async () => {
    registry = await startRegistry({ tls: true })
  })
  afterAll(() => registry.stop())

  const saying = (text: string) => (socket: Socket) => void socket.end(text)
  const answers: [string, ((socket: Socket) => void) | undefined][] = [
    ['in the words of Go', undefined],
    ['by 400', saying('HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n')],
    [
      'by leading to https',
      saying('HTTP/1.1 301 Moved\r\nLocation: https://127.0.0.1:1/v2/\r\nContent-Length: 0\r\n\r\n'),
    ],
    ['by what else it serves', saying('HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n')],
    ['by a page for everything', saying('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi')],
    ['as a registry in need of TLS', saying(`HTTP/1.1 426 Upgrade Required\r\n${REGISTRY}Content-Length: 0\r\n\r\n`)],
    ['by an alert', (socket) => void socket.end(Buffer.from([0x15, 3, 1, 0, 2, 2, 70]))],
    ['by its end', (socket) => void socket.end()],
    ['by a reset', (socket) => void socket.resetAndDestroy()],
  ]

  test.each(answers)('is asked by TLS when it answers plain http %s', async (_, plain) => {
    const { port, begun } = await portBefore(registry.host, plain)
    const insecureRegistries = new Set([port])
    expect((await endpointOf(port, { insecureRegistries })).href).toBe(`https://${port}/`)
    expect(begun.map(({ isTls }) => isTls)).toEqual([false, true])
  })

  test('must have a certificate that is known: plain http is no way around it', async () => {
    await expect(endpointOf(registry.host)).rejects.toMatchObject({
      code: 'REGISTRY_UNREACHABLE',
      message: expect.stringContaining('its certificate is self-signed'),
    })
  })
})

describe('a registry elsewhere that is named insecure', () => {
  test.each([true, false])('is asked by TLS first (it speaks that: %s)', async (isTls) => {
    const { host } = await registryWith({ tls: isTls })
    const { port, begun } = await portBefore(host)
    const lan = 'lan.example.com:5000'
    const proxy = await startProxy({ hosts: { [lan]: port } })
    onTestFinished(() => proxy.stop())
    const network = new Network({ http_proxy: proxy.url, https_proxy: proxy.url })
    const endpoint = await endpointOf(lan, { network, insecureRegistries: new Set([lan]) })
    expect(endpoint.href).toBe(`${isTls ? 'https' : 'http'}://${lan}/`)
    expect(begun.map((one) => one.isTls)).toEqual([true])
  })
})
