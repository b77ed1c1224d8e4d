import { expect, onTestFinished, test } from 'vitest'
import type { OcibakeError } from '../../src/errors.ts'
import { silent } from '../../src/events.ts'
import { Network } from '../../src/network/network.ts'
import { ProxyRules } from '../../src/network/proxy.ts'
import { Transport } from '../../src/registry/transport.ts'
import { startProxy, type TestProxyOptions } from '../support/proxy.ts'
import { freePort } from '../support/registry.ts'
import { type Script, startScriptedServer } from '../support/scripted-server.ts'

const { signal } = new AbortController()

async function proxyFor(options: TestProxyOptions) {
  const proxy = await startProxy(options)
  onTestFinished(() => proxy.stop())
  return proxy
}

async function serverFor(script: Script) {
  const server = await startScriptedServer(script)
  onTestFinished(() => server.stop())
  return server
}

function transportFor(env: Record<string, string>) {
  const network = new Network(env)
  onTestFinished(() => network.close())
  const timing = { backoff: 2, longestWait: 5, attempts: 2 }
  return new Transport({ userAgent: 'x', insecure: new Set(['lan.example.com']), report: silent, network, timing })
}

const get = (url: string, authorization?: string) => ({
  method: 'GET' as const,
  url: new URL(url),
  what: 'test',
  signal,
  ...(authorization && { authorization }),
})

test.each([
  [{ https_proxy: 'http://p:1' }, 'https://a.example/', 'http://p:1', 'https_proxy'],
  [{ HTTPS_PROXY: 'http://p:1' }, 'https://a.example/', 'http://p:1', 'HTTPS_PROXY'],
  [
    { HTTPS_PROXY: 'http://big:1', https_proxy: 'http://small:1' },
    'https://a.example/',
    'http://small:1',
    'https_proxy',
  ],
  [{ https_proxy: 'proxy.example.com:3128' }, 'https://a.example/', 'http://proxy.example.com:3128', 'https_proxy'],
  [{ https_proxy: 'https://me:pw@p.example/' }, 'https://a.example/', 'https://p.example', 'https_proxy'],
  [{ http_proxy: 'http://p:1' }, 'http://lan.example.com/', 'http://p:1', 'http_proxy'],
])('%j: %s goes through %s', (env, url, shown, variable) => {
  expect(new ProxyRules(env).proxyFor(new URL(url))).toMatchObject({ shown, variable })
})

test.each([
  [{ http_proxy: 'http://p:1' }, 'https://a.example/'],
  [{ https_proxy: '' }, 'https://a.example/'],
  [{ https_proxy: 'http://p:1' }, 'https://localhost/'],
  [{ https_proxy: 'http://p:1' }, 'https://127.0.0.2:5000/'],
  [{ https_proxy: 'http://p:1' }, 'https://[::1]:5000/'],
  [{ https_proxy: 'http://p:1', NO_PROXY: 'example' }, 'https://a.example/'],
  [{ all_proxy: 'http://p:1' }, 'https://a.example/'],
])('%j: %s is asked directly', (env, url) => {
  expect(new ProxyRules(env).proxyFor(new URL(url))).toBeUndefined()
})

test.each(['socks5://me:hunter2@p:1', 'http://me:hunter2@', 'http://[hunter2'])(
  '%s is no http proxy, and the error does not repeat it',
  async (value) => {
    const sending = transportFor({ HTTPS_PROXY: value }).send(get('https://a.example/'))
    const error = await sending.catch((fault: OcibakeError) => fault)
    expect(error).toMatchObject({ code: 'USAGE', message: expect.stringContaining('HTTPS_PROXY is no address') })
    expect(JSON.stringify([error, (error as OcibakeError).message])).not.toContain('hunter2')
  },
)

test('plain http goes through the proxy as it is, with its user name, of which the server sees nothing', async () => {
  const server = await serverFor((_, response) => void response.end('fine'))
  const proxy = await proxyFor({ hosts: { 'lan.example.com:80': server.host }, user: 'me@corp:p w' })
  const transport = transportFor({ http_proxy: proxy.url })
  const answer = await transport.send(get('http://lan.example.com/v2/?a=b', 'Bearer t'))
  expect(answer.bytes.toString()).toBe('fine')
  expect(proxy.seen).toEqual(['GET http://lan.example.com/v2/?a=b'])
  expect(server.seen[0]?.headers).toMatchObject({ host: 'lan.example.com', authorization: 'Bearer t' })
  expect(Object.keys(server.seen[0]!.headers)).not.toContain('proxy-authorization')
})

test('this machine is asked directly, and what is asked through a proxy may not lead there', async () => {
  const here = await serverFor((_, response) => void response.end('direct'))
  const far = await serverFor((_, response) => void response.writeHead(307, { Location: `http://${here.host}/` }).end())
  const proxy = await proxyFor({ hosts: { 'lan.example.com:80': far.host } })
  const transport = transportFor({ http_proxy: proxy.url })
  await expect(transport.send(get('http://lan.example.com/'))).rejects.toMatchObject({ code: 'REGISTRY_ERROR' })
  expect(proxy.seen).toEqual(['GET http://lan.example.com/'])
  expect((await transport.send(get(`http://${here.host}/`))).bytes.toString()).toBe('direct')
  expect(proxy.seen).toHaveLength(1)
})

test.each([
  ['407 for a wrong password', { user: 'me:right' }, 'wants a user name and password', /https_proxy=http:\/\/USER/, 1],
  ['403', { refuse: 'HTTP/1.1 403 Forbidden\r\n\r\n' }, 'refuses to connect', /https_proxy.*no_proxy/, 1],
  ['503', { refuse: 'HTTP/1.1 503 No\r\n\r\n' }, 'could not connect', /https_proxy.*no_proxy/, 2],
  ['nothing', { refuse: '' }, 'could not connect', /https_proxy.*no_proxy/, 2],
  ['nonsense', { refuse: 'SSH-2.0-x\r\n\r\n' }, 'could not connect', /https_proxy.*no_proxy/, 2],
])('a proxy that answers %s is named in the error, without its password', async (_, options, words, hint, tries) => {
  const proxy = await proxyFor(options)
  const url = proxy.url.replace('//', '//me:hunter2@').replace('hunter2@me:right@', 'hunter2@')
  const error = await transportFor({ https_proxy: url })
    .send(get('https://registry.example.com/', 'Bearer secret'))
    .catch((fault: OcibakeError) => fault)
  const message = expect.stringMatching(new RegExp(`registry.example.com: .*${words} .*${proxy.shown}`))
  expect(error).toMatchObject({ code: 'REGISTRY_UNREACHABLE', message, hint: expect.stringMatching(hint) })
  expect((error as OcibakeError).message).not.toContain('hunter2')
  expect(proxy.seen).toHaveLength(tries)
  expect(proxy.headers.join()).not.toContain('secret')
})

test('a proxy that is not there is what the error names, not the registry', async () => {
  const port = await freePort()
  const sending = transportFor({ https_proxy: `http://127.0.0.1:${port}` }).send(get('https://registry.example.com/'))
  await expect(sending).rejects.toMatchObject({
    message: expect.stringContaining(`nothing listens there (through the proxy http://127.0.0.1:${port})`),
    hint: expect.stringContaining('Check https_proxy'),
  })
})
