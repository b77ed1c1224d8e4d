import { sign } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Certificate } from './certificate.ts'

/** The one account of every test registry. */
export const REGISTRY_USER = { username: 'baker', password: 'rye & spelt' } as const

export const TOKEN_SERVICE = 'ocibake-test'
export const TOKEN_ISSUER = 'ocibake-test-issuer'

export interface TokenServer {
  readonly url: string
  /** The query of every request, oldest first. */
  readonly requests: URLSearchParams[]
  stop(): Promise<void>
}

export interface TokenServerOptions {
  /** Seconds that a token is good for. Default 300. */
  readonly tokenSeconds?: number
  readonly anonymousPull?: boolean
}

/** Gives tokens as distribution's docs/spec/auth/jwt.md wants them: to the one user for anything, else for pulling. */
export async function startTokenServer(pair: Certificate, options: TokenServerOptions): Promise<TokenServer> {
  const requests: URLSearchParams[] = []
  const expected = `Basic ${Buffer.from(`${REGISTRY_USER.username}:${REGISTRY_USER.password}`).toString('base64')}`
  const server = createServer((request, response) => {
    const query = new URL(request.url ?? '/', 'http://token').searchParams
    requests.push(query)
    const { authorization } = request.headers
    if (authorization !== undefined && authorization !== expected) {
      response.writeHead(401, { 'Content-Type': 'application/json' })
      return response.end(JSON.stringify({ errors: [{ code: 'UNAUTHORIZED', message: 'wrong user or password' }] }))
    }
    const allowed = authorization === expected ? ['pull', 'push'] : options.anonymousPull ? ['pull'] : []
    const token = signToken(pair, query.getAll('scope'), allowed, options.tokenSeconds ?? 300)
    response.writeHead(200, { 'Content-Type': 'application/json' })
    return response.end(JSON.stringify({ token, expires_in: options.tokenSeconds ?? 300 }))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return { url: `http://127.0.0.1:${port}/token`, requests, stop: () => closeServer(server) }
}

function signToken(pair: Certificate, scopes: readonly string[], allowed: readonly string[], seconds: number): string {
  const now = Math.floor(Date.now() / 1000)
  const access = scopes
    .flatMap((scope) => scope.split(' '))
    .map((scope) => {
      const [type, name, actions = ''] = scope.split(':')
      return { type, name, actions: actions.split(',').filter((action) => allowed.includes(action)) }
    })
  const header = { typ: 'JWT', alg: 'ES256', x5c: [pair.certificate.raw.toString('base64')] }
  const claims = {
    iss: TOKEN_ISSUER,
    aud: TOKEN_SERVICE,
    sub: 'test',
    iat: now,
    nbf: now - 5,
    exp: now + seconds,
    jti: `${now}`,
    access,
  }
  const body = [header, claims].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.')
  // RFC 7518, 3.4: both numbers one after the other, without ASN.1.
  const signature = sign('SHA256', Buffer.from(body), { key: pair.key, dsaEncoding: 'ieee-p1363' })
  return `${body}.${signature.toString('base64url')}`
}

async function closeServer(server: Server): Promise<void> {
  server.closeAllConnections()
  server.close()
  await once(server, 'close')
}
