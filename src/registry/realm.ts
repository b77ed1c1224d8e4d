import { OcibakeError } from '../errors.ts'
import { isLoopback, isPrivateAddress } from '../network/address.ts'
import type { Access } from './access.ts'
import { redact } from './redact.ts'
import { checkLed } from './target.ts'

/**
 * The URL of a token server that may be given a registry's credentials: https on any named host, the registry's own
 * host and port, or loopback if the registry is there. Never an address of a private network that is not the
 * registry's own: that is how a registry would make us talk to its neighbours' machines, or to ours.
 * @throws REGISTRY_ERROR showing registry and realm
 */
export function checkRealm(realm: string | undefined, access: Access, insecure: ReadonlySet<string>): URL {
  const refuse = (why: string) =>
    new OcibakeError('REGISTRY_ERROR', `${access.registry} names the token server '${redact(realm ?? '')}': ${why}.`, {
      hint: `No credentials were sent there. Ask whoever runs ${access.registry}.`,
    })
  if (realm === undefined || !URL.canParse(realm)) throw refuse('that is no URL')
  const url = new URL(realm)
  const { endpoint } = access
  try {
    checkLed(url, endpoint, insecure)
  } catch (error) {
    throw error instanceof OcibakeError ? refuse(error.message.replace(/^.*?: |\.$/g, '')) : error
  }
  const isOwn = url.host === endpoint.host
  const bothLoopback = isLoopback(url.hostname) && isLoopback(endpoint.hostname)
  if (url.protocol === 'http:' && !isOwn && !bothLoopback) throw refuse('it is plain http on another host')
  if (isPrivateAddress(url.hostname) && url.hostname !== endpoint.hostname && !bothLoopback) {
    throw refuse('it is an address of a private network')
  }
  return url
}
