import { OcibakeError } from '../errors.ts'
import { bytesContent } from '../oci/content.ts'
import { isJsonObject } from '../oci/json.ts'
import { type Access, withScopes } from './access.ts'
import type { Challenge } from './challenge.ts'
import type { Credentials } from './credential-file.ts'
import { failure } from './failure.ts'
import { checkRealm } from './realm.ts'
import { redact } from './redact.ts'
import type { Answer, HttpRequest, Transport } from './transport.ts'

export interface Token {
  readonly value: string
  /** When to ask for another: milliseconds since 1970, some time before it really ends. */
  readonly renewAt: number
}

const LARGEST_ANSWER = 1 << 20

/** What the token specification says of answers without `expires_in`, and the least that it allows. */
const DEFAULT_LIFE = 60

/**
 * A bearer token from the realm of a challenge: anonymously, for a password (GET with Basic), or for an identity token
 * (OAuth2 POST). It allows what `access` and the challenge name. `access_token` counts as `token` does.
 * @throws REGISTRY_UNAUTHORIZED, REGISTRY_DENIED …; REGISTRY_ERROR for a realm that is refused or an answer that is none
 * (distribution: docs/spec/auth/token.md and oauth.md)
 */
export async function fetchToken(
  transport: Transport,
  challenge: Challenge,
  access: Access,
  credentials: Exclude<Credentials, { kind: 'bearer' }> | undefined,
  signal: AbortSignal,
): Promise<Token> {
  const realm = checkRealm(challenge.parameters.get('realm'), access, transport.insecure)
  const service = challenge.parameters.get('service')
  const what = `token for ${access.registry} from ${realm.host}`
  const scopes = withScopes(access.scopes, challenge.parameters.get('scope') ?? '')
  const ask = { url: realm, what, signal, limit: LARGEST_ANSWER }
  const answer = await transport.send(
    credentials?.kind === 'identity'
      ? byIdentity(ask, service, scopes, credentials.token)
      : byPassword(ask, service, scopes, credentials),
  )
  if (answer.status !== 200) {
    throw failure(answer, what, access.registry, { who: describe(credentials), instead: 'token server' })
  }
  return readToken(answer, what)
}

const TOKENS = { identity: 'with the identity token', bearer: 'with the token' }

/** As whom something was asked, for messages. */
export function describe(credentials: Credentials | undefined): string {
  if (credentials === undefined) return 'anonymously'
  const name = credentials.kind === 'password' ? `as '${redact(credentials.username)}'` : TOKENS[credentials.kind]
  return `${name} from ${credentials.source}`
}

/** The Authorization header of a user name and password: RFC 7617. */
export function basicAuthorization(credentials: PasswordCredentials): string {
  return `Basic ${Buffer.from(`${credentials.username}:${credentials.password}`, 'utf8').toString('base64')}`
}

type PasswordCredentials = Extract<Credentials, { kind: 'password' }>

type Ask = Pick<HttpRequest, 'url' | 'what' | 'signal' | 'limit'>

function byPassword(
  ask: Ask,
  service: string | undefined,
  scopes: readonly string[],
  credentials: PasswordCredentials | undefined,
): HttpRequest {
  const url = new URL(ask.url)
  if (service !== undefined) url.searchParams.append('service', service)
  for (const scope of scopes) url.searchParams.append('scope', scope)
  if (credentials === undefined) return { ...ask, method: 'GET', url }
  url.searchParams.append('account', credentials.username)
  return { ...ask, method: 'GET', url, authorization: basicAuthorization(credentials) }
}

function byIdentity(ask: Ask, service: string | undefined, scopes: readonly string[], token: string): HttpRequest {
  const form = new URLSearchParams({
    grant_type: 'refresh_token',
    client_id: 'ocibake',
    ...(service === undefined ? {} : { service }),
    scope: scopes.join(' '),
    refresh_token: token,
  })
  return {
    ...ask,
    method: 'POST',
    headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
    body: bytesContent(form.toString()),
    redirects: 'refuse',
  }
}

function readToken(answer: Answer, what: string): Token {
  const refuse = (got: string) => new OcibakeError('REGISTRY_ERROR', `${what}: the answer ${got}.`)
  if (answer.truncated) throw refuse(`has more than ${LARGEST_ANSWER} bytes`)
  let parsed: unknown
  try {
    parsed = JSON.parse(answer.bytes.toString('utf8'))
  } catch {
    throw refuse('is no JSON')
  }
  if (!isJsonObject(parsed)) throw refuse('is no JSON object')
  const value = [parsed.token, parsed.access_token].find((one) => typeof one === 'string' && one !== '')
  if (typeof value !== 'string') throw refuse("has neither 'token' nor 'access_token'")
  // Anything else could end the header that it will be put into.
  if (!/^[\x21-\x7e]+$/.test(value)) throw refuse('has a token with characters that no token has')
  const told = typeof parsed.expires_in === 'number' ? parsed.expires_in : 0
  const life = Math.max(told, DEFAULT_LIFE)
  return { value, renewAt: Date.now() + life * 900 }
}
