import { createHash, createHmac, type Hash, type Hmac } from 'node:crypto'
import { OcibakeError } from '../errors.ts'
import { bytesContent } from '../oci/content.ts'
import { isJsonObject } from '../oci/json.ts'
import type { Asking } from './asking.ts'
import { type AwsIdentity, type AwsKeys, awsIdentity } from './aws-identity.ts'
import type { Credentials } from './credential-file.ts'
import { type EcrService, ecrService } from './ecr-host.ts'
import { redact } from './redact.ts'
import type { Answer } from './transport.ts'

const TARGETS = {
  ecr: 'AmazonEC2ContainerRegistry_V20150921.GetAuthorizationToken',
  'ecr-public': 'SpencerFrontendService.GetAuthorizationToken',
}
const ENDPOINTS = { ecr: 'AWS_ENDPOINT_URL_ECR', 'ecr-public': 'AWS_ENDPOINT_URL_ECR_PUBLIC' }

/** Milliseconds before its end in which a password is no longer used: a push may take a while. */
const MARGIN = 5 * 60_000

export interface EcrAsking extends Asking {
  readonly env: Readonly<Record<string, string | undefined>>
}

/**
 * The password that Amazon gives for one of its registries to whom AWS's credential chain finds; undefined for every
 * other host, and for pulls from ECR Public, which everybody may. It ends with what it was given for.
 * @throws REGISTRY_UNAUTHORIZED without AWS credentials, or with some that AWS does not take; REGISTRY_DENIED for some
 * that may not ask; REGISTRY_ERROR, REGISTRY_UNREACHABLE
 */
export async function ecrCredentials(registry: string, asking: EcrAsking): Promise<Credentials | undefined> {
  const service = ecrService(registry)
  if (service === undefined || (service.service === 'ecr-public' && !asking.push)) return undefined
  const identity = await awsIdentity(asking.transport.network, service.region, registry)
  if (identity === undefined) {
    throw new OcibakeError('REGISTRY_UNAUTHORIZED', `${registry}: no AWS credentials were found.`, {
      hint: `Give some (AWS_PROFILE, a role, …), or a password: aws ${service.service} get-login-password | ocibake login ${registry} --username AWS --password-stdin`,
    })
  }
  const answer = await requestToken(service, identity.keys, asking)
  if (answer.status !== 200) throw refused(answer, registry, identity)
  return readToken(answer, registry, identity)
}

async function requestToken(
  { api, region, service }: EcrService,
  keys: AwsKeys,
  { transport, env, signal }: EcrAsking,
): Promise<Answer> {
  const { SignatureV4 } = await import('@smithy/signature-v4')
  const url = new URL(env[ENDPOINTS[service]] || env.AWS_ENDPOINT_URL || `https://${api}`)
  const body = '{}'
  const unsigned = {
    method: 'POST' as const,
    protocol: url.protocol,
    hostname: url.hostname,
    path: url.pathname,
    headers: { host: url.host, 'content-type': 'application/x-amz-json-1.1', 'x-amz-target': TARGETS[service] },
    body,
  }
  const signer = new SignatureV4({ credentials: keys, region, service, sha256: Sha256 })
  const { authorization = '', host: _, ...headers } = (await signer.sign(unsigned)).headers
  // Signed for five minutes: longer than all tries last.
  return transport.send({
    method: 'POST',
    url,
    headers,
    authorization,
    body: bytesContent(body),
    redirects: 'refuse',
    what: `password from ${url.host}`,
    signal,
  })
}

/** What the signer takes for a hash. */
class Sha256 {
  readonly #hash: Hash | Hmac

  constructor(secret?: string | ArrayBuffer | ArrayBufferView) {
    this.#hash = secret === undefined ? createHash('sha256') : createHmac('sha256', keyOf(secret))
  }

  update(data: Uint8Array): void {
    this.#hash.update(data)
  }

  async digest(): Promise<Uint8Array> {
    return this.#hash.digest()
  }

  reset(): void {}
}

function keyOf(secret: string | ArrayBuffer | ArrayBufferView): string | Buffer {
  if (typeof secret === 'string') return secret
  if (secret instanceof ArrayBuffer) return Buffer.from(secret)
  return Buffer.from(secret.buffer, secret.byteOffset, secret.byteLength)
}

function readToken(answer: Answer, registry: string, { keys, source }: AwsIdentity): Credentials {
  const root = parse(answer)
  const data = isJsonObject(root) ? [root.authorizationData].flat()[0] : undefined
  const { authorizationToken: token, expiresAt } = isJsonObject(data) ? data : {}
  const [, username, password] = /^([^:]+):(.+)$/s.exec(Buffer.from(String(token ?? ''), 'base64').toString()) ?? []
  if (username === undefined || password === undefined) {
    throw new OcibakeError('REGISTRY_ERROR', `${registry}: ${answer.url.host} answered without a password.`)
  }
  const end = Math.min(
    typeof expiresAt === 'number' ? expiresAt * 1000 : Number.POSITIVE_INFINITY,
    keys.expiration?.getTime() ?? Number.POSITIVE_INFINITY,
  )
  return { kind: 'password', username, password, source, renewAt: end - MARGIN }
}

function refused(answer: Answer, registry: string, { source }: AwsIdentity): OcibakeError {
  const root = parse(answer)
  const { __type: type, message, Message } = isJsonObject(root) ? root : {}
  const name = typeof type === 'string' ? type.replace(/^.*#/, '') : ''
  const words = [message, Message].find((one) => typeof one === 'string')
  const said = redact([name, words].filter((one) => typeof one === 'string' && one !== '').join(': '))
  const text = `${registry}: ${answer.url.host} answered ${answer.status} to the credentials of ${source}${said === '' ? '' : `: ${said}`}.`
  if (/^AccessDenied/.test(name)) {
    return new OcibakeError('REGISTRY_DENIED', text, { hint: 'Allow ecr:GetAuthorizationToken to whoever this is.' })
  }
  if (answer.status >= 500)
    return new OcibakeError('REGISTRY_ERROR', text, { hint: 'AWS is in trouble: try again later.' })
  return new OcibakeError('REGISTRY_UNAUTHORIZED', text, {
    hint: "Renew the AWS credentials (aws sso login, or new keys), and check this machine's clock.",
  })
}

function parse(answer: Answer): unknown {
  try {
    return JSON.parse(answer.bytes.toString('utf8'))
  } catch {
    return undefined
  }
}
