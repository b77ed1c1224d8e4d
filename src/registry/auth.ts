import { OcibakeError } from '../errors.ts'
import type { Access } from './access.ts'
import { type Challenge, parseChallenges } from './challenge.ts'
import type { CredentialLookup } from './credentials.ts'
import { redact } from './redact.ts'
import { basicAuthorization, describe, fetchToken } from './token.ts'
import type { Transport } from './transport.ts'

interface Grant {
  readonly authorization: string
  /** Milliseconds since 1970. */
  readonly renewAt: number
}

/**
 * The Authorization headers of every registry that a build talks to. Tokens are kept by registry and scopes until they
 * end; one that is asked for by several at once is fetched once.
 */
export class Authenticator {
  readonly #transport: Transport
  readonly #credentials: CredentialLookup
  /** By registry: how it wants to be authenticated to. */
  readonly #challenges = new Map<string, Challenge>()
  readonly #grants = new Map<string, Grant>()
  readonly #pending = new Map<string, Promise<Grant>>()

  constructor(transport: Transport, credentials: CredentialLookup) {
    this.#transport = transport
    this.#credentials = credentials
  }

  /**
   * The header to send with a first try, or undefined if the registry never asked for one or wants a password that
   * nobody has. @throws as `renew`
   */
  async current(access: Access, signal: AbortSignal): Promise<string | undefined> {
    const grant = this.#grants.get(keyOf(access))
    if (grant !== undefined && Date.now() < grant.renewAt) return grant.authorization
    const challenge = this.#challenges.get(access.registry)
    if (challenge === undefined) return undefined
    if (challenge.scheme === 'basic' && (await this.#lookUp(access)) === undefined) return undefined
    return (await this.#obtain(access, challenge, signal)).authorization
  }

  /**
   * The header to try again with after a 401 that carried `challengeHeader`; `refused` is what was sent, if anything.
   * @throws REGISTRY_UNAUTHORIZED when the registry wants what nobody has or what is not known here;
   * CREDENTIALS_UNREADABLE, CREDENTIAL_HELPER_FAILED; what a token server answers instead of a token
   */
  async renew(
    access: Access,
    challengeHeader: string,
    refused: string | undefined,
    signal: AbortSignal,
  ): Promise<string> {
    const known = this.#grants.get(keyOf(access))
    // Another request was refused, too, and has already asked for a new one.
    if (known !== undefined && known.authorization !== refused) return known.authorization
    const challenges = parseChallenges(challengeHeader)
    const challenge = choose(challenges)
    if (challenge === undefined) throw unknownSchemes(access.registry, challenges)
    // Its scope is for this request alone, the rest for all that follow.
    const lasting = new Map([...challenge.parameters].filter(([name]) => name !== 'scope'))
    this.#challenges.set(access.registry, { scheme: challenge.scheme, parameters: lasting })
    return (await this.#obtain(access, challenge, signal)).authorization
  }

  /** As whom the repository's registry is asked, for messages. */
  async describe(access: Access): Promise<string> {
    return describe(this.#challenges.has(access.registry) ? await this.#lookUp(access) : undefined)
  }

  async #obtain(access: Access, challenge: Challenge, signal: AbortSignal): Promise<Grant> {
    const key = keyOf(access)
    const pending = this.#pending.get(key) ?? this.#grant(access, challenge, signal)
    this.#pending.set(key, pending)
    try {
      const grant = await pending
      this.#grants.set(key, grant)
      return grant
    } finally {
      this.#pending.delete(key)
    }
  }

  async #grant(access: Access, challenge: Challenge, signal: AbortSignal): Promise<Grant> {
    const credentials = await this.#lookUp(access)
    if (challenge.scheme === 'bearer') {
      const token = await fetchToken(this.#transport, challenge, access, credentials, signal)
      return { authorization: `Bearer ${token.value}`, renewAt: token.renewAt }
    }
    if (credentials?.kind === 'password') {
      return { authorization: basicAuthorization(credentials), renewAt: Number.POSITIVE_INFINITY }
    }
    const got = credentials === undefined ? 'no credentials are known' : `${credentials.source} has an identity token`
    throw new OcibakeError('REGISTRY_UNAUTHORIZED', `${access.registry} wants a user name and password; ${got}.`, {
      hint: `Log in: docker login ${access.registry}, or podman login; ocibake reads what they write.`,
    })
  }

  #lookUp(access: Access) {
    return this.#credentials(access.registry, access.repository)
  }
}

/** Tokens rather than passwords, as they say less; among several of a kind, the first. */
function choose(challenges: readonly Challenge[]): Challenge | undefined {
  return (
    challenges.find(({ scheme, parameters }) => scheme === 'bearer' && parameters.has('realm')) ??
    challenges.find(({ scheme }) => scheme === 'basic')
  )
}

function unknownSchemes(registry: string, challenges: readonly Challenge[]): OcibakeError {
  const schemes = challenges.map(({ scheme }) => scheme).join(', ')
  const got = schemes === '' ? 'does not say how' : `offers only: ${redact(schemes)}`
  return new OcibakeError(
    'REGISTRY_UNAUTHORIZED',
    `${registry} wants to be authenticated to and ${got}; Basic and Bearer with a realm are known here.`,
  )
}

function keyOf({ registry, repository, scopes }: Access): string {
  return `${registry} ${repository} ${scopes.join(' ')}`
}
