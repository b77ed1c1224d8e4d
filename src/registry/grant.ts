import { OcibakeError } from '../errors.ts'
import type { Access } from './access.ts'
import { type Challenge, parseChallenges } from './challenge.ts'
import type { Credentials } from './credential-file.ts'
import { redact } from './redact.ts'
import { basicAuthorization, fetchToken } from './token.ts'
import type { Transport } from './transport.ts'

export interface Grant {
  /** What the header of that name has to say. */
  readonly authorization: string
  /** Milliseconds since 1970. */
  readonly renewAt: number
}

/**
 * The one of a registry's challenges that is answered: a token rather than a password, as it says less; among several of
 * a kind, the first. @throws REGISTRY_UNAUTHORIZED when none is known here
 */
export function chooseChallenge(header: string, registry: string): Challenge {
  const challenges = parseChallenges(header)
  const chosen =
    challenges.find(({ scheme, parameters }) => scheme === 'bearer' && parameters.has('realm')) ??
    challenges.find(({ scheme }) => scheme === 'basic')
  if (chosen !== undefined) return chosen
  const schemes = challenges.map(({ scheme }) => scheme).join(', ')
  const got = schemes === '' ? 'does not say how' : `offers only: ${redact(schemes)}`
  throw new OcibakeError(
    'REGISTRY_UNAUTHORIZED',
    `${registry} wants to be authenticated to and ${got}; Basic and Bearer with a realm are known here.`,
  )
}

/**
 * The answer to a challenge, by what is known of whoever asks.
 * @throws REGISTRY_UNAUTHORIZED when a password is wanted that nobody has; what a token server answers instead of a token
 */
export async function answerChallenge(
  transport: Transport,
  challenge: Challenge,
  access: Access,
  credentials: Credentials | undefined,
  signal: AbortSignal,
): Promise<Grant> {
  const lasting = credentials?.renewAt ?? Number.POSITIVE_INFINITY
  if (credentials?.kind === 'bearer') return { authorization: `Bearer ${credentials.token}`, renewAt: lasting }
  if (challenge.scheme === 'bearer') {
    const token = await fetchToken(transport, challenge, access, credentials, signal)
    return { authorization: `Bearer ${token.value}`, renewAt: token.renewAt }
  }
  if (credentials?.kind === 'password') {
    return { authorization: basicAuthorization(credentials), renewAt: lasting }
  }
  const got = credentials === undefined ? 'no credentials are known' : `${credentials.source} has an identity token`
  throw new OcibakeError('REGISTRY_UNAUTHORIZED', `${access.registry} wants a user name and password; ${got}.`, {
    hint: `Log in: ocibake login ${access.registry}`,
  })
}
