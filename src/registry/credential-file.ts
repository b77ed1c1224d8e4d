import { open } from 'node:fs/promises'
import { OcibakeError, systemCode } from '../errors.ts'
import { isJsonObject, type JsonObject } from '../oci/json.ts'
import { type SecretValue, secretText } from '../secrets/secret-values.ts'
import { jsonFault } from './json-fault.ts'
import { redact } from './redact.ts'

/** What a registry wants to know of somebody. */
export type Credentials = (
  | { readonly kind: 'password'; readonly username: string; readonly password: string }
  /** An OAuth2 refresh token, which the registry's token server turns into access tokens. */
  | { readonly kind: 'identity'; readonly token: string }
  /** What the registry itself takes as it is. */
  | { readonly kind: 'bearer'; readonly token: string }
) & {
  /** Where it was found, for messages. */
  readonly source: string
  /** When to look for newer ones, milliseconds since 1970. */
  readonly renewAt?: number
}

/** Docker's `config.json` or podman's `auth.json`, checked as far as it was read. */
export interface CredentialFile {
  readonly path: string
  /** `auths` entries that hold something, by `host[/namespace]`. */
  readonly auths: ReadonlyMap<string, JsonObject>
  /** The helper of a host. */
  readonly helpers: ReadonlyMap<string, string>
  /** The helper of every other host. */
  readonly store: string | undefined
}

/** What nobody else may know of it. */
export function secretOf(credentials: Credentials): SecretValue {
  const [what, value] =
    credentials.kind === 'password' ? ['password', credentials.password] : ['token', credentials.token]
  return secretText(`the ${what} from ${credentials.source}`, value)
}

const LARGEST = 4 << 20
const HELPER_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/

/**
 * The file of credentials at `path`, or undefined if there is none.
 * @throws CREDENTIALS_UNREADABLE with the path and the place of the fault, never what is written there
 */
export async function readCredentialFile(path: string): Promise<CredentialFile | undefined> {
  const root = await readCredentialRoot(path)
  return root && parseCredentials(root, path)
}

/** What a credentials file holds, unknown fields too, or undefined if there is none. @throws CREDENTIALS_UNREADABLE */
export async function readCredentialRoot(path: string): Promise<JsonObject | undefined> {
  const text = await readText(path)
  return text === undefined ? undefined : parseCredentialRoot(text, path)
}

/** The JSON object of a credentials file; `path` is what errors call it. @throws CREDENTIALS_UNREADABLE */
export function parseCredentialRoot(text: string, path: string): JsonObject {
  if (text.trim() === '') return {}
  const fault = jsonFault(text)
  if (fault !== undefined) throw unreadable(path, `is not JSON at ${fault}`)
  const root: unknown = JSON.parse(text)
  if (!isJsonObject(root)) throw unreadable(path, 'holds no JSON object')
  return root
}

/** What a credentials file says of registries. @throws CREDENTIALS_UNREADABLE */
export function parseCredentials(root: JsonObject, path: string): CredentialFile {
  const auths = new Map<string, JsonObject>()
  for (const [key, value] of entriesOf(root, 'auths', path)) {
    if (!isJsonObject(value)) throw unreadable(path, `has no object at auths["${redact(key)}"]`)
    const name = credentialKey(key)
    if (name !== undefined && Object.keys(value).length > 0 && !auths.has(name)) auths.set(name, value)
  }
  const helpers = new Map<string, string>()
  for (const [key, value] of entriesOf(root, 'credHelpers', path)) {
    const name = credentialKey(key)
    if (name !== undefined) helpers.set(name, helperName(value, `credHelpers["${redact(key)}"]`, path))
  }
  const store = root.credsStore ?? ''
  return { path, auths, helpers, store: store === '' ? undefined : helperName(store, 'credsStore', path) }
}

/**
 * The credentials that an `auths` entry holds itself: `registrytoken`, `identitytoken`, `auth` (base64 of user:password), or `username`
 * and `password`. Undefined for the empty entries that tools leave beside a credential store.
 * @throws CREDENTIALS_UNREADABLE
 */
export function entryCredentials(entry: JsonObject, key: string, path: string): Credentials | undefined {
  const field = (name: string): string => {
    const value = entry[name] ?? ''
    if (typeof value !== 'string') throw unreadable(path, `has no string at auths["${redact(key)}"].${name}`)
    return value
  }
  const bearer = field('registrytoken')
  if (bearer !== '') return { kind: 'bearer', token: bearer, source: path }
  const identity = field('identitytoken')
  if (identity !== '') return { kind: 'identity', token: identity, source: path }
  const auth = field('auth')
  if (auth !== '') {
    const decoded = Buffer.from(auth, 'base64').toString('utf8').replace(/\0+$/, '')
    const colon = decoded.indexOf(':')
    if (colon < 1) throw unreadable(path, `has no base64 of user:password at auths["${redact(key)}"].auth`)
    return { kind: 'password', username: decoded.slice(0, colon), password: decoded.slice(colon + 1), source: path }
  }
  const username = field('username')
  // In an Authorization header the colon ends the name (RFC 7617, section 2): another user would be asked for.
  if (username.includes(':')) throw unreadable(path, `has a colon at auths["${redact(key)}"].username`)
  return username === '' ? undefined : { kind: 'password', username, password: field('password'), source: path }
}

/**
 * Docker writes URLs (`https://index.docker.io/v1/`), podman `host[/namespace]`: both as `host[/namespace]`. Undefined
 * for URLs with another path: Docker Desktop keeps things of its own at `https://index.docker.io/v1/access-token`.
 */
export function credentialKey(key: string): string | undefined {
  const bare = key.replace(/^https?:\/\//i, '')
  const path = bare.replace(/\/+$/, '').replace(/\/v[12]$/, '')
  if (bare !== key && path.includes('/')) return undefined
  const slash = path.indexOf('/')
  const host = (slash < 0 ? path : path.slice(0, slash)).toLowerCase()
  const canonical = host === 'index.docker.io' || host === 'registry-1.docker.io' ? 'docker.io' : host
  return slash < 0 ? canonical : canonical + path.slice(slash)
}

/** Whether it may stand behind `docker-credential-`. */
export function isHelperName(value: unknown): value is string {
  return typeof value === 'string' && HELPER_NAME.test(value)
}

function helperName(value: unknown, place: string, path: string): string {
  if (isHelperName(value)) return value
  throw unreadable(path, `has no name of a credential helper at ${place}`)
}

function entriesOf(root: JsonObject, name: string, path: string): [string, unknown][] {
  const value = root[name] ?? {}
  if (!isJsonObject(value)) throw unreadable(path, `has no object at ${name}`)
  return Object.entries(value)
}

async function readText(path: string): Promise<string | undefined> {
  try {
    const handle = await open(path, 'r')
    try {
      const { size } = await handle.stat()
      if (size > LARGEST) throw unreadable(path, `has ${size} bytes; at most ${LARGEST} are read`)
      return await handle.readFile('utf8')
    } finally {
      await handle.close()
    }
  } catch (error) {
    const code = systemCode(error)
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined
    if (error instanceof OcibakeError) throw error
    throw unreadable(path, `cannot be read (${code ?? 'unknown error'})`, error)
  }
}

function unreadable(path: string, fault: string, cause?: unknown): OcibakeError {
  // What login and logout cannot read, they do not replace, either.
  return new OcibakeError('CREDENTIALS_UNREADABLE', `${path} ${fault}.`, {
    hint: path.startsWith('/')
      ? `Repair it, or move it away (mv ${path} ${path}.broken) and log in anew: ocibake login`
      : 'Repair it, or unset it and log in: ocibake login',
    cause,
  })
}
