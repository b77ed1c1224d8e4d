import { readFile } from 'node:fs/promises'
import { join } from 'node:path'

/** Where the AWS SDK will take what it needs for S3; never the values. */
export interface S3Source {
  /** Undefined: nothing is configured; the SDK would ask the machine it runs on. */
  readonly source: string | undefined
  readonly region: string | undefined
  /** As configured: it may hold anything. */
  readonly endpoint: string | undefined
}

export interface S3Surroundings {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly home: string
}

type Profile = ReadonlyMap<string, string>

/**
 * Goes through the SDK's default chain as far as that needs no network: environment, profile, web identity, container
 * (@aws-sdk/credential-provider-node, "defaultProvider").
 */
export async function s3Source({ env, home }: S3Surroundings): Promise<S3Source> {
  const name = env.AWS_PROFILE || 'default'
  const secrets = env.AWS_SHARED_CREDENTIALS_FILE || join(home, '.aws', 'credentials')
  const settings = env.AWS_CONFIG_FILE || join(home, '.aws', 'config')
  const secret = profileOf(await text(secrets), name, '')
  const setting = profileOf(await text(settings), name, 'profile ')
  const profile = new Map([...setting, ...secret])
  const ignored = env.AWS_IGNORE_CONFIGURED_ENDPOINT_URLS === 'true'
  const file = secret.size > 0 ? secrets : settings
  return {
    source: fromEnvironment(env) ?? fromProfile(profile, `profile ${name} of ${file}`) ?? fromPlace(env),
    region: env.AWS_REGION || profile.get('region'),
    endpoint: ignored ? undefined : env.AWS_ENDPOINT_URL_S3 || env.AWS_ENDPOINT_URL || profile.get('endpoint_url'),
  }
}

function fromEnvironment(env: S3Surroundings['env']): string | undefined {
  // A chosen profile is meant, says the SDK, whatever keys are set beside it.
  if (env.AWS_PROFILE || !env.AWS_ACCESS_KEY_ID || !env.AWS_SECRET_ACCESS_KEY) return undefined
  return `environment (AWS_ACCESS_KEY_ID${env.AWS_SESSION_TOKEN ? ' and a session token' : ''})`
}

const PROFILE_KINDS: readonly [key: string, kind: string][] = [
  ['aws_access_key_id', 'a key'],
  ['web_identity_token_file', 'a web identity'],
  ['role_arn', 'a role to assume'],
  ['sso_session', 'single sign-on'],
  ['sso_start_url', 'single sign-on'],
  ['login_session', 'a login'],
  ['credential_process', 'a program'],
]

function fromProfile(profile: Profile, where: string): string | undefined {
  const kind = PROFILE_KINDS.find(([key]) => profile.has(key))?.[1]
  return kind === undefined ? undefined : `${where} (${kind})`
}

function fromPlace(env: S3Surroundings['env']): string | undefined {
  if (env.AWS_WEB_IDENTITY_TOKEN_FILE && env.AWS_ROLE_ARN) return 'web identity (AWS_WEB_IDENTITY_TOKEN_FILE)'
  if (env.AWS_CONTAINER_CREDENTIALS_RELATIVE_URI || env.AWS_CONTAINER_CREDENTIALS_FULL_URI)
    return 'container (asked for over the network)'
  return undefined
}

/** The settings of `[NAME]`, in the config file `[profile NAME]`; nested ones of services are left out. */
function profileOf(text: string, name: string, prefix: string): Profile {
  const found = new Map<string, string>()
  let inside = false
  for (const whole of text.split('\n')) {
    const line = whole.split(/(?:^|\s)[;#]/)[0]!
    const section = /^\s*\[\s*([^\]]+?)\s*\]/.exec(line)?.[1]?.replace(/\s+/g, ' ')
    if (section !== undefined) inside = section === `${prefix}${name}` || (name === 'default' && section === name)
    const [, key, value] = /^([A-Za-z0-9_]+)\s*=\s*(.+?)\s*$/.exec(line) ?? []
    if (inside && key !== undefined) found.set(key.toLowerCase(), value!)
  }
  return found
}

function text(path: string): Promise<string> {
  return readFile(path, 'utf8').catch(() => '')
}
