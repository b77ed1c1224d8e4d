import { type ScriptedServer, startScriptedServer } from './scripted-server.ts'
import { type Keys, verifySignature } from './sigv4.ts'

export interface EcrServer extends ScriptedServer {
  /** What makes the AWS SDK and ocibake ask this server, as these keys, and nothing of this machine's. */
  readonly env: Readonly<Record<string, string>>
}

export interface EcrServerOptions {
  /** `user:password` that it gives out. */
  readonly login: string
  readonly keys?: Keys
  /** Answers instead, to a request that is signed as it should be. */
  readonly refuse?: { readonly status: number; readonly body: string }
  /** Seconds until the password's end. */
  readonly life?: number
}

const KEYS: Keys = { accessKeyId: 'AKIATESTTESTTESTTEST', secretAccessKey: 'test/secret+key=of/forty/characters/1234' }

const TARGETS = new Map([
  ['AmazonEC2ContainerRegistry_V20150921.GetAuthorizationToken', 'ecr'],
  ['SpencerFrontendService.GetAuthorizationToken', 'ecr-public'],
])

/** The one operation of Amazon ECR, and of ECR Public, that gives out passwords: to whoever signs for it. */
export async function startEcr({ login, keys = KEYS, refuse, life = 43_200 }: EcrServerOptions): Promise<EcrServer> {
  const server = await startScriptedServer(({ method, path, headers, body }, response) => {
    const answer = (status: number, content: unknown) => {
      response.writeHead(status, { 'Content-Type': 'application/x-amz-json-1.1' })
      response.end(typeof content === 'string' ? content : JSON.stringify(content))
    }
    const service = TARGETS.get(String(headers['x-amz-target']))
    const { fault } = verifySignature({ method, target: path, headers, body }, keys, Date.now(), service)
    if (service === undefined || fault !== undefined) {
      return answer(400, { __type: 'com.amazon.coral.service#UnrecognizedClientException', message: fault })
    }
    if (refuse !== undefined) return answer(refuse.status, refuse.body)
    const authorizationToken = Buffer.from(login).toString('base64')
    const data = { authorizationToken, expiresAt: Date.now() / 1000 + life, proxyEndpoint: 'https://evil.example' }
    return answer(200, { authorizationData: service === 'ecr' ? [data] : data })
  })
  const env = {
    AWS_ENDPOINT_URL_ECR: `http://${server.host}`,
    AWS_ENDPOINT_URL_ECR_PUBLIC: `http://${server.host}`,
    AWS_ACCESS_KEY_ID: keys.accessKeyId,
    AWS_SECRET_ACCESS_KEY: keys.secretAccessKey,
    ...(keys.sessionToken !== undefined && { AWS_SESSION_TOKEN: keys.sessionToken }),
    AWS_CONFIG_FILE: '/dev/null',
    AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
    AWS_EC2_METADATA_DISABLED: 'true',
  }
  return { ...server, env }
}
