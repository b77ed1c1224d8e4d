import { OcibakeError } from '../errors.ts'
import { parseReference } from '../oci/reference.ts'
import type { RegistryConnection } from './connection.ts'
import { editCredentialFile, withoutEntry } from './credential-edit.ts'
import { environmentCredentials } from './credential-env.ts'
import { type Credentials, credentialKey, readCredentialFile } from './credential-file.ts'
import { storeInHelper } from './credential-helper.ts'
import { type CredentialSurroundings, credentialPaths, serverName } from './credentials.ts'
import { failure } from './failure.ts'
import { answerChallenge, chooseChallenge } from './grant.ts'
import { displayHost } from './redact.ts'
import { describe } from './token.ts'

/** What somebody logs in to. */
export interface LoginTarget {
  /** As in a Reference. */
  readonly registry: string
  /** Below which the login is good for, or ''. */
  readonly namespace: string
  /** `registry[/namespace]`. */
  readonly key: string
}

/** The target that `text` names: `ghcr.io`, `https://ghcr.io/`, `quay.io/team`. @throws USAGE */
export function parseLoginTarget(text: string): LoginTarget {
  const key = credentialKey(text)
  try {
    // Two components: of one, Docker Hub makes `library/one`.
    const { registry, repository } = parseReference(`${key}/x/y`)
    if (key !== undefined && `${registry}/${repository}` === `${key}/x/y`) {
      return { registry, namespace: key.slice(registry.length + 1), key }
    }
  } catch (error) {
    if (!(error instanceof OcibakeError)) throw error
  }
  throw new OcibakeError('USAGE', `'${displayHost(text)}' names no registry.`, {
    hint: 'Write it as in the names of images: ghcr.io, localhost:5000, quay.io/team',
  })
}

export type Login = Extract<Credentials, { kind: 'password' }>

/**
 * Asks the registry whether it takes a user name and password. @returns false if it lets everybody in without looking
 * @throws REGISTRY_UNAUTHORIZED, REGISTRY_DENIED …, REGISTRY_UNREACHABLE
 */
export async function verifyLogin(
  { transport, endpoint }: Pick<RegistryConnection, 'transport'> & { readonly endpoint: URL },
  { registry, namespace }: LoginTarget,
  login: Login,
  signal: AbortSignal,
): Promise<boolean> {
  const ask = { method: 'GET', url: new URL('/v2/', endpoint), what: `login to ${registry}`, signal } as const
  const first = await transport.send(ask)
  if (first.status === 200) return false
  if (first.status !== 401) throw failure(first, ask.what, registry)
  const challenge = chooseChallenge(first.headers.get('www-authenticate') ?? '', registry)
  // Some registries name a repository here that nobody has.
  const parameters = new Map([...challenge.parameters].filter(([name]) => name !== 'scope'))
  const access = { registry, endpoint, repository: namespace, scopes: [] }
  const { authorization } = await answerChallenge(transport, { ...challenge, parameters }, access, login, signal)
  const answer = await transport.send({ ...ask, authorization })
  if (answer.status !== 200) throw failure(answer, ask.what, registry, { who: describe(login) })
  return true
}

/** Where a login was put. */
export interface Kept {
  /** The file, and the helper if the file leaves it to one. */
  readonly place: string
  /** A variable that is looked at before. */
  readonly shadowedBy?: string
}

/**
 * Keeps a login where `credentialLookup` will find it: in the file that knows the registry already, else in Docker's,
 * or with the helper which that file names.
 * @throws CREDENTIALS_UNREADABLE, CREDENTIAL_HELPER_FAILED, OUTPUT_FAILED, DISK_FULL
 */
export async function keepLogin(
  target: LoginTarget,
  login: Login,
  around: CredentialSurroundings,
  signal: AbortSignal,
): Promise<Kept> {
  const path = await fileFor(target, credentialPaths(around))
  const file = await readCredentialFile(path)
  // Helpers keep hosts only.
  const helper = target.namespace === '' ? (file?.helpers.get(target.registry) ?? file?.store) : undefined
  const name = target.namespace === '' ? serverName(target.registry) : target.key
  if (helper !== undefined) await storeInHelper(helper, name, login, around.env)
  const auth = Buffer.from(`${login.username}:${login.password}`).toString('base64')
  const entry = helper === undefined ? { auth } : {}
  await editCredentialFile(path, signal, (auths) => ({ ...withoutEntry(auths, target.key), [name]: entry }))
  const shadowedBy = environmentCredentials(around.env).get(target.key)?.source
  const place = helper === undefined ? path : `docker-credential-${helper}, as ${path} says`
  return { place, ...(shadowedBy !== undefined && { shadowedBy }) }
}

async function fileFor({ registry, key }: LoginTarget, paths: readonly string[]): Promise<string> {
  for (const path of paths) {
    const file = await readCredentialFile(path)
    if (file?.auths.has(key) || file?.helpers.has(registry)) return path
  }
  return paths.at(-1)!
}
