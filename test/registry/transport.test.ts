import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setImmediate, setTimeout as sleep } from 'node:timers/promises'
import { expect, onTestFinished, test } from 'vitest'
import type { Event } from '../../src/events.ts'
import { Network } from '../../src/network/network.ts'
import { bytesContent } from '../../src/oci/content.ts'
import type { Timing } from '../../src/registry/retry.ts'
import { type HttpRequest, Transport } from '../../src/registry/transport.ts'
import { freePort } from '../support/registry.ts'
import { type Script, startScriptedServer } from '../support/scripted-server.ts'

const { signal } = new AbortController()

async function serverFor(script: Script) {
  const server = await startScriptedServer(script)
  onTestFinished(() => server.stop())
  return server
}

function transportFor(timing: Partial<Timing> = {}, insecure: string[] = []) {
  const events: Event[] = []
  const report = (event: Event) => events.push(event)
  const network = new Network()
  const options = { userAgent: 'ocibake/1', insecure: new Set(insecure), report, network }
  const transport = new Transport({ ...options, timing: { backoff: 2, longestWait: 40, ...timing } })
  onTestFinished(() => network.close())
  return { transport, events }
}

const get = (url: string, more: Partial<HttpRequest> = {}): HttpRequest => ({
  method: 'GET',
  url: new URL(url),
  what: 'test',
  signal,
  ...more,
})

function answer(response: ServerResponse, status: number, headers: Record<string, string> = {}, body = '') {
  response.writeHead(status, headers)
  response.end(body)
}

test.each([408, 425, 429, 500, 502, 503, 504])('status %i once is tried again, and reported', async (status) => {
  const server = await serverFor((_, response, count) => answer(response, count === 0 ? status : 200, {}, 'body'))
  const { transport, events } = transportFor()
  const got = await transport.send(get(`http://${server.host}/`))
  expect([got.status, got.bytes.toString(), got.attempts]).toEqual([200, 'body', 2])
  const reason = `${server.host} answered ${status}`
  expect(events).toEqual([expect.objectContaining({ type: 'retry', what: 'test', attempt: 1, limit: 5, reason })])
})

test.each([400, 401, 403, 404, 409, 413, 501])('status %i is an answer at once', async (status) => {
  const server = await serverFor((_, response) => answer(response, status))
  const { transport, events } = transportFor()
  expect((await transport.send(get(`http://${server.host}/`))).status).toBe(status)
  expect([server.seen.length, events.length]).toEqual([1, 0])
})

test('a server in trouble is asked five times, and its last answer is the answer', async () => {
  const server = await serverFor((_, response) => answer(response, 503))
  const { transport } = transportFor()
  const got = await transport.send(get(`http://${server.host}/`))
  expect([got.status, got.attempts, server.seen.length]).toEqual([503, 5, 5])
})

test.each([
  ['seconds', () => '1', [1000, 1000]],
  ['a date', () => new Date(Date.now() + 3000).toUTCString(), [1000, 3000]],
  ['a date that has passed', () => new Date(Date.now() - 3000).toUTCString(), [0, 0]],
  ['more than anybody waits', () => '86400', [3500, 3500]],
])('Retry-After in %s is what is waited, up to a limit', async (_, header, [least, most]) => {
  const server = await serverFor((_, response, count) =>
    answer(response, count === 0 ? 429 : 200, count === 0 ? { 'Retry-After': header() } : {}),
  )
  const { transport, events } = transportFor({ longestWait: 3500 })
  const controller = new AbortController()
  const sending = transport.send(get(`http://${server.host}/`, { signal: controller.signal })).catch(() => undefined)
  await expect.poll(() => events.length).toBe(1)
  const [event] = events
  if (event?.type !== 'retry') throw new Error('no retry')
  expect(event.waitMilliseconds).toBeGreaterThanOrEqual(least!)
  expect(event.waitMilliseconds).toBeLessThanOrEqual(most!)
  controller.abort()
  await sending
})

test('a connection that is reset is tried again; one that nobody takes is not', async () => {
  const server = await serverFor((_, response, count) =>
    count === 0 ? response.destroy() : answer(response, 200, {}, 'x'),
  )
  const { transport, events } = transportFor()
  expect((await transport.send(get(`http://${server.host}/`))).attempts).toBe(2)
  expect(events).toEqual([expect.objectContaining({ reason: 'the connection was reset' })])
  await expect(transport.send(get(`http://127.0.0.1:${await freePort()}/`))).rejects.toMatchObject({
    code: 'REGISTRY_UNREACHABLE',
    message: expect.stringContaining('nothing listens there.'),
  })
})

test('a body that ends too early is asked for again', async () => {
  const server = await serverFor((_, response, count) => {
    response.writeHead(200, { 'Content-Length': '10' })
    response.write('12345')
    setTimeout(() => (count === 0 ? response.destroy() : response.end('67890')), 20)
  })
  const { transport } = transportFor()
  expect((await transport.send(get(`http://${server.host}/`))).bytes.toString()).toBe('1234567890')
})

test('silence ends a try, before the answer and in the middle of it; slow but steady does not', async () => {
  const server = await serverFor((request, response) => {
    if (request.path === '/never') return
    response.writeHead(200)
    response.write('x')
    if (request.path === '/stall') return
    for (let i = 1; i <= 8; i++) setTimeout(() => response.write('x'), 100 * i)
    setTimeout(() => response.end(), 100 * 9)
  })
  const { transport } = transportFor({ idle: 700, attempts: 2 })
  for (const path of ['/never', '/stall']) {
    await expect(transport.send(get(`http://${server.host}${path}`))).rejects.toMatchObject({
      code: 'REGISTRY_UNREACHABLE',
      message: expect.stringContaining('nothing was received for too long (2 attempts)'),
    })
  }
  expect((await transport.send(get(`http://${server.host}/slow`))).bytes.toString()).toBe('x'.repeat(9))
})

test('a consumer that takes its time is no silence', async () => {
  const server = await serverFor((_, response) => answer(response, 200, {}, 'x'.repeat(3_000_000)))
  const { transport } = transportFor({ idle: 500 })
  const got = await transport.send(get(`http://${server.host}/`, { stream: true }))
  let size = 0
  for await (const chunk of got.body!) {
    if (size === 0) await sleep(1000)
    size += chunk.length
  }
  expect(size).toBe(3_000_000)
})

test('an endless body is read up to its limit, and its connection ended', async () => {
  let written = 0
  const server = await serverFor((_, response) => {
    response.writeHead(400)
    const more = () => {
      while (!response.destroyed && response.write('y'.repeat(65_536))) written += 65_536
    }
    response.on('drain', more)
    more()
  })
  const { transport } = transportFor()
  const got = await transport.send(get(`http://${server.host}/`))
  expect([got.bytes.length, got.truncated]).toEqual([65_536, true])
  expect(written).toBeLessThan(50_000_000)
})

test('Authorization stays with its origin: not another port, not after a detour, but after a redirect at home', async () => {
  const seen = new Map<string, string | undefined>()
  const away = await serverFor((request, response) => {
    seen.set(`away ${request.path}`, request.headers.authorization)
    if (request.path === '/back') return answer(response, 302, { Location: `http://${home.host}/again` })
    return answer(response, 200, {}, 'done')
  })
  const home = await serverFor((request, response) => {
    seen.set(`home ${request.path}`, request.headers.authorization)
    const targets = new Map([
      ['/here', '/end'],
      ['/away', `http://${away.host}/x?signature=s`],
      ['/detour', `//${away.host}/back`],
      ['/name', `http://localhost:${home.host.split(':')[1]}/end2`],
    ])
    const target = targets.get(request.path)
    return target === undefined ? answer(response, 200) : answer(response, 307, { Location: target })
  })
  const { transport } = transportFor()
  for (const path of ['/here', '/away', '/detour', '/name']) {
    await transport.send(get(`http://${home.host}${path}`, { authorization: 'Bearer t' }))
  }
  expect(Object.fromEntries(seen)).toEqual({
    'home /here': 'Bearer t',
    'home /end': 'Bearer t',
    'home /away': 'Bearer t',
    'away /x?signature=s': undefined,
    'home /detour': 'Bearer t',
    'away /back': undefined,
    'home /again': 'Bearer t',
    'home /name': 'Bearer t',
    'home /end2': undefined,
  })
})

test.each([
  ['data:text/plain,evil', 'only http and https'],
  ['file:///etc/passwd', 'only http and https'],
  ['http://169.254.169.254/latest/meta-data', 'link-local'],
  ['http://0xa9fea9fe/', 'link-local'],
  ['http://[fe80::1]/', 'link-local'],
  ['http://[::ffff:169.254.169.254]/', 'link-local'],
  ['http://registry.example.com/x', 'plain http'],
  ['http://user:hunter2@127.0.0.1/', 'no user info'],
  ['http://[', 'no URL'],
])('a redirect to %s is refused', async (location, why) => {
  const server = await serverFor((_, response) => answer(response, 302, { Location: location }))
  const { transport } = transportFor()
  const sending = transport.send(get(`http://${server.host}/`))
  await expect(sending).rejects.toMatchObject({ code: 'REGISTRY_ERROR', message: expect.stringContaining(why) })
  await expect(sending).rejects.not.toMatchObject({ message: expect.stringContaining('hunter2') })
})

test('redirects without end are left after ten', async () => {
  const server = await serverFor((request, response) => answer(response, 302, { Location: `${request.path}x` }))
  const { transport } = transportFor()
  await expect(transport.send(get(`http://${server.host}/`))).rejects.toMatchObject({
    code: 'REGISTRY_ERROR',
    message: expect.stringContaining('more than 10 redirects'),
  })
  expect(server.seen).toHaveLength(11)
})

test.each([
  ['http://registry.example.com/', [], 'plain http'],
  ['http://127.0.0.1.example.com/', [], 'plain http'],
  ['http://localhost.example.com/', [], 'plain http'],
  ['http://registry.example.com:81/', ['registry.example.com:80'], 'plain http'],
  ['https://169.254.0.1/', ['169.254.0.1'], 'link-local'],
])('no request goes to %s when %j are insecure', async (url, insecure, why) => {
  const { transport } = transportFor({}, insecure)
  await expect(transport.send(get(url))).rejects.toMatchObject({ message: expect.stringContaining(why) })
})

test('a body is sent again with each try, and after a redirect that keeps the method', async () => {
  const server = await serverFor((request, response, count) => {
    if (request.path === '/a') return answer(response, 307, { Location: '/b' })
    return answer(response, count === 0 ? 503 : 201)
  })
  const { transport } = transportFor()
  const request = get(`http://${server.host}/a`, { method: 'PUT', body: bytesContent('content') })
  expect((await transport.send(request)).status).toBe(201)
  expect(server.seen.map(({ method, path, body }) => `${method} ${path} ${body}`)).toEqual([
    'PUT /a content',
    'PUT /b content',
    'PUT /a content',
    'PUT /b content',
  ])
  const final = await transport.send({ ...request, redirects: 'refuse' })
  expect(final.status).toBe(307)
})

test('an answer before the end of a body ends the sending, and the next request works', async () => {
  const early = createServer((request, response) => {
    request.on('error', () => {}).resume()
    return request.method === 'GET' ? answer(response, 200, {}, 'fine') : answer(response, 413, {}, 'too large')
  }).listen(0, '127.0.0.1')
  await once(early, 'listening')
  onTestFinished(() => void early.close())
  const url = `http://127.0.0.1:${(early.address() as AddressInfo).port}/`
  const { transport } = transportFor()
  let isClosed = false
  const endless = {
    size: 1e12,
    async *open() {
      try {
        for (;;) yield Buffer.alloc(65_536)
      } finally {
        isClosed = true
      }
    },
  }
  expect((await transport.send(get(url, { method: 'PUT', body: endless, attempts: 1 }))).status).toBe(413)
  await expect.poll(() => isClosed).toBe(true)
  expect((await transport.send(get(url))).bytes.toString()).toBe('fine')
})

test('what a body throws is thrown, not tried again', async () => {
  const server = await serverFor((_, response) => answer(response, 201))
  const { transport } = transportFor()
  const fault = new Error('the disk is broken')
  const broken = {
    size: 100,
    async *open() {
      yield Buffer.alloc(10)
      throw fault
    },
  }
  await expect(transport.send(get(`http://${server.host}/`, { method: 'PUT', body: broken }))).rejects.toBe(fault)
  const short = { size: 100, open: () => bytesContent('short').open() }
  await expect(transport.send(get(`http://${server.host}/`, { method: 'PUT', body: short }))).rejects.toThrow(
    'a body of 100 bytes was announced and has 5',
  )
})

test('an abort ends everything as INTERRUPTED: before, while waiting, and in the middle of a body', async () => {
  const server = await serverFor((request, response) => {
    if (request.path === '/trouble') return answer(response, 503, { 'Retry-After': '30' })
    response.writeHead(200)
    response.write('x')
  })
  const { transport, events } = transportFor({ longestWait: 30_000 })
  const interrupted = { code: 'INTERRUPTED' }
  await expect(transport.send(get(`http://${server.host}/`, { signal: AbortSignal.abort() }))).rejects.toMatchObject(
    interrupted,
  )
  const waiting = new AbortController()
  const sending = transport.send(get(`http://${server.host}/trouble`, { signal: waiting.signal }))
  sending.catch(() => {})
  // The first answer has come, the second is not asked for.
  await expect.poll(() => events.length).toBe(1)
  waiting.abort()
  await expect(sending).rejects.toMatchObject(interrupted)
  expect(events).toHaveLength(1)
  const reading = new AbortController()
  setTimeout(() => reading.abort(), 50)
  await expect(transport.send(get(`http://${server.host}/`, { signal: reading.signal }))).rejects.toMatchObject(
    interrupted,
  )
})

test('it says who it is, and asks for bytes as they are', async () => {
  const server = await serverFor((_, response) => answer(response, 200, { 'Content-Encoding': 'gzip' }, 'not gzip'))
  const { transport } = transportFor()
  expect((await transport.send(get(`http://${server.host}/`))).bytes.toString()).toBe('not gzip')
  expect(server.seen[0]?.headers).toMatchObject({ 'user-agent': 'ocibake/1', 'accept-encoding': 'identity' })
})

test('a request that was stopped leaves no timer behind, even if its body ends later', async () => {
  const server = await serverFor(() => {})
  const { transport } = transportFor()
  const stop = new AbortController()
  const ended = Promise.withResolvers<void>()
  async function* open() {
    yield Buffer.from('body')
    stop.abort()
    await sleep(30)
    ended.resolve()
  }
  const timers = () => process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length
  const before = timers()
  const request = get(`http://${server.host}/`, { method: 'PUT', body: { size: 4, open }, signal: stop.signal })
  await expect(transport.send(request)).rejects.toMatchObject({ code: 'INTERRUPTED' })
  await ended.promise
  await setImmediate()
  // Those of earlier tests may have ended.
  expect(timers()).toBeLessThanOrEqual(before)
})
