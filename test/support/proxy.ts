import { once } from 'node:events'
import { createServer, request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'

export interface TestProxy {
  /** For `https_proxy`, with the user if there is one. */
  readonly url: string
  /** Without the user. */
  readonly shown: string
  /** What it was asked, oldest first: `CONNECT host:port`, `GET http://host/path`. */
  readonly seen: readonly string[]
  /** Every header that reached it, one after the other: what must not be among them, was not sent. */
  readonly headers: readonly string[]
  stop(): Promise<void>
}

export interface TestProxyOptions {
  /** Where a `host:port` really is. Any other host is answered with 502. */
  readonly hosts?: Readonly<Record<string, string>>
  /** `user:password` that it wants; 407 without. */
  readonly user?: string
  /** What CONNECT is answered with instead of a connection. */
  readonly refuse?: string
}

/**
 * A forward proxy on 127.0.0.1: CONNECT and absolute-form (RFC 9112, section 3.2.2; RFC 9110, section 9.3.6), for names
 * that nobody else resolves.
 */
export async function startProxy({ hosts = {}, user, refuse }: TestProxyOptions = {}): Promise<TestProxy> {
  const seen: string[] = []
  const headers: string[] = []
  const sockets = new Set<Socket>()
  const expected = user === undefined ? undefined : `Basic ${Buffer.from(user).toString('base64')}`
  const isLetIn = (request: IncomingMessage) => {
    seen.push(`${request.method} ${request.url}`)
    headers.push(...request.rawHeaders)
    return expected === undefined || request.headers['proxy-authorization'] === expected
  }
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '')
    const place = hosts[`${url.hostname}:${url.port || 80}`]
    if (!isLetIn(request)) return void response.writeHead(407).end()
    if (place === undefined) return void response.writeHead(502).end()
    forward(request, response, url, place)
  })
  server.on('connection', (socket) => void sockets.add(socket.on('error', () => {})))
  server.on('connect', (request: IncomingMessage, socket: Socket) => {
    const place = hosts[request.url ?? '']
    if (!isLetIn(request)) return socket.end('HTTP/1.1 407 Proxy Authentication Required\r\n\r\n')
    if (refuse !== undefined) return socket.end(refuse)
    if (place === undefined) return socket.end('HTTP/1.1 502 Bad Gateway\r\n\r\n')
    return tunnel(socket, place, sockets)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`
  const stop = async () => {
    for (const socket of sockets) socket.destroy()
    server.close()
    await once(server, 'close')
  }
  const [name = '', password = ''] = user?.split(':') ?? []
  const login = user === undefined ? '' : `${encodeURIComponent(name)}:${encodeURIComponent(password)}@`
  return { url: `http://${login}${host}`, shown: `http://${host}`, seen, headers, stop }
}

function forward(request: IncomingMessage, response: ServerResponse, url: URL, place: string): void {
  const [hostname, port] = place.split(':')
  const { 'proxy-authorization': _, 'proxy-connection': __, ...headers } = request.headers
  const path = `${url.pathname}${url.search}`
  const onward = httpRequest({ hostname, port, path, method: request.method, headers, agent: false }, (answer) => {
    response.writeHead(answer.statusCode ?? 502, answer.rawHeaders)
    answer.pipe(response)
  })
  onward.on('error', () => response.destroy())
  request.pipe(onward)
}

function tunnel(socket: Socket, place: string, sockets: Set<Socket>): void {
  const [hostname, port] = place.split(':')
  const onward = connect(Number(port), hostname)
  sockets.add(onward)
  onward.on('connect', () => {
    socket.write('HTTP/1.1 200 Connection Established\r\n\r\n')
    onward.pipe(socket).pipe(onward)
  })
  onward.on('error', () => socket.destroy())
  socket.on('close', () => onward.destroy())
}
