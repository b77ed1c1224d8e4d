import type { Access } from './access.ts'
import type { Challenge } from './challenge.ts'
import { type Credentials, secretOf } from './credential-file.ts'
import type { CredentialLookup } from './credentials.ts'
import { answerChallenge, chooseChallenge, type Grant } from './grant.ts'
import { describe } from './token.ts'
import type { Transport } from './transport.ts'

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
  /** By registry, repository and whether it is to be written to. */
  readonly #known = new Map<string, Promise<Credentials | undefined>>()

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
    if (challenge.scheme === 'basic' && (await this.#lookUp(access, signal)) === undefined) return undefined
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
    const challenge = chooseChallenge(challengeHeader, access.registry)
    // What was refused may have been changed meanwhile, or may have come to its end: helpers make new ones.
    if (refused !== undefined) this.#known.delete(placeOf(access))
    // Its scope is for this request alone, the rest for all that follow.
    const lasting = new Map([...challenge.parameters].filter(([name]) => name !== 'scope'))
    this.#challenges.set(access.registry, { scheme: challenge.scheme, parameters: lasting })
    return (await this.#obtain(access, challenge, signal)).authorization
  }

  /** As whom the repository's registry is asked, for messages. */
  async describe(access: Access): Promise<string> {
    return describe(this.#challenges.has(access.registry) ? await this.#known.get(placeOf(access)) : undefined)
  }

  /** Has the credentials for a repository at hand before it is asked; whoever needs them gets what fails. */
  async prepare(access: Access, signal: AbortSignal): Promise<void> {
    await this.#lookUp(access, signal).catch(() => {})
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
    return answerChallenge(this.#transport, challenge, access, await this.#lookUp(access, signal), signal)
  }

  async #lookUp(access: Access, signal: AbortSignal): Promise<Credentials | undefined> {
    const place = placeOf(access)
    const look = () => {
      const asking = { transport: this.#transport, push: isPush(access), signal }
      const looking = this.#credentials(access.registry, access.repository, asking)
      this.#known.set(place, looking)
      looking.catch(() => this.#known.delete(place))
      return looking
    }
    const known = await (this.#known.get(place) ?? look())
    if (known !== undefined) this.#transport.network.credentials.push(secretOf(known))
    return known?.renewAt !== undefined && Date.now() >= known.renewAt ? look() : known
  }
}

function placeOf(access: Access): string {
  return `${access.registry} ${access.repository} ${isPush(access) ? 'push' : 'pull'}`
}

function isPush({ scopes }: Access): boolean {
  return scopes.some((scope) => /[:,]push(,|$)/.test(scope))
}

function keyOf(access: Access): string {
  return `${access.registry} ${access.repository} ${access.scopes.join(' ')}`
}
