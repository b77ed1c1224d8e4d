import { OcibakeError } from '../errors.ts'
import { type Credentials, credentialKey } from './credential-file.ts'

const NAME = /^OCIBAKE_REGISTRY_TOKEN(_\w+)?$/
const VALUE = /^([^\s=@]+)=(?:([^:]+):)?(.+)$/s

/** As it may stand in a header. A colon would be that of USER:PASSWORD without a user. */
const TOKEN = /^[\x21-\x39\x3b-\x7e]+$/

/** A value names its host: a secret that says nothing about where it belongs could be sent anywhere. */
const HOST = /^(?:[a-z0-9.-]*[.][a-z0-9.-]*|[a-z0-9.-]+:\d{1,5}|localhost|\[[0-9a-f:.]+\])(?::\d{1,5})?(?:\/[^/]+)*$/

/**
 * What the variables `OCIBAKE_REGISTRY_TOKEN` and `OCIBAKE_REGISTRY_TOKEN_<anything>` say, by `host[/namespace]`. Their
 * values are `HOST[/NAMESPACE]=USER:PASSWORD`, or `HOST[/NAMESPACE]=TOKEN` for what a registry takes as it is; of two for
 * the same place, the first by name counts.
 * @throws CREDENTIALS_UNREADABLE with the name of the variable, never its value
 */
export function environmentCredentials(
  env: Readonly<Record<string, string | undefined>>,
): ReadonlyMap<string, Credentials> {
  const found = new Map<string, Credentials>()
  for (const name of Object.keys(env).sort()) {
    const value = env[name]?.trim()
    if (!NAME.test(name) || value === undefined || value === '') continue
    const { key, credentials } = parse(name, value)
    if (!found.has(key)) found.set(key, credentials)
  }
  return found
}

function parse(source: string, value: string): { key: string; credentials: Credentials } {
  const [, host = '', username, secret = ''] = VALUE.exec(value) ?? []
  const key = credentialKey(host)
  const isToken = username === undefined
  if (key === undefined || !HOST.test(key) || (isToken && !TOKEN.test(secret))) {
    throw new OcibakeError('CREDENTIALS_UNREADABLE', `${source} does not say what is for which registry.`, {
      hint: `Write ${source}=HOST=USER:PASSWORD, for example ghcr.io=me:…, or HOST=TOKEN.`,
    })
  }
  if (isToken) return { key, credentials: { kind: 'bearer', token: secret, source } }
  return { key, credentials: { kind: 'password', username, password: secret, source } }
}
