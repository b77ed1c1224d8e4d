import { homedir } from 'node:os'
import type { Reference } from '../oci/reference.ts'
import { secretValues } from '../provision/run-secrets.ts'
import type { RegistryConnection } from '../registry/connection.ts'
import { readableCredentials } from '../registry/readable-credentials.ts'
import { looksRandom } from '../secrets/randomness.ts'
import { type SecretValue, secretText } from '../secrets/secret-values.ts'
import type { Plan } from '../spec/plan.ts'

export interface OwnCredentialsOptions {
  readonly connection: RegistryConnection
  readonly env: Readonly<Record<string, string | undefined>>
  /** Where the image will be pushed to. */
  readonly targets: readonly Reference[]
}

/** Variables whose names say that their values are nobody's business, but for those of which a part is. */
const SECRET_NAME =
  /^(?!OCIBAKE_REGISTRY_TOKEN).*(?:TOKEN|PASS|PASSWORD|PASSWD|PASSPHRASE|SECRET|SECRET_KEY|ACCESS_KEY|PRIVATE_KEY|API_?KEY|CREDENTIALS?|JWT)$/i
/** Characters from which on such a value is one: names alone prove nothing. */
const LONG = 16
const PROXIES = /^(?:https?|ftp|all)_proxy$/i

export interface OwnCredentials {
  /** What lies in variables and files that this build reads, or is kept for the registries that it pushes to. */
  readonly kept: readonly SecretValue[]
  /** That, and what was shown to anybody so far. */
  readonly all: readonly SecretValue[]
}

/** All that this build can let itself in with, as far as it is known now: of it nothing belongs into an image. */
export async function ownCredentials(plan: Plan, options: OwnCredentialsOptions): Promise<OwnCredentials> {
  const { connection, env, targets } = options
  const foreseen = await Promise.all(targets.map((target) => connection.foresee(target)))
  const secrets = plan.steps.flatMap(({ step }) => ('secrets' in step ? (step.secrets ?? []) : []))
  const kept = [
    ...(await secretValues(secrets, env)),
    ...foreseen.filter((value) => value !== undefined),
    ...(await readableCredentials({ env, home: homeOf(env) })),
    ...variables(env),
  ]
  return { kept, all: [...kept, ...connection.network.credentials] }
}

/** A user without HOME and without an account is at home nowhere. */
function homeOf({ HOME }: OwnCredentialsOptions['env']): string {
  try {
    return HOME || homedir()
  } catch {
    return '/'
  }
}

function variables(env: OwnCredentialsOptions['env']): SecretValue[] {
  return Object.entries(env).flatMap(([name, value = '']) => {
    if (PROXIES.test(name)) return passwordsIn(name, value)
    const text = value.trim()
    // A path is where a secret is, not what it is.
    const isOne = SECRET_NAME.test(name) && !text.startsWith('/') && (text.length >= LONG || looksRandom(text))
    return isOne ? [secretText(`the value of ${name}`, text)] : []
  })
}

function passwordsIn(name: string, address: string): SecretValue[] {
  const [, password] = /^(?:[a-z][a-z0-9+.-]*:\/\/)?[^/@:]*:([^/]*)@/i.exec(address) ?? []
  if (password === undefined) return []
  return [...new Set([password, unescaped(password)])].map((value) => secretText(`the password in ${name}`, value))
}

function unescaped(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
