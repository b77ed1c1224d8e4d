import type { S3Client, S3ClientConfig } from '@aws-sdk/client-s3'
import { awsRequests } from '../network/aws-requests.ts'
import { awsSecrets } from '../network/aws-secrets.ts'
import type { Network } from '../network/network.ts'

/**
 * A client with the AWS SDK's default chains for credentials, region and endpoint (environment, profile, web identity,
 * instance role …). Addresses buckets by path wherever an endpoint was configured: `bucket.host` is a name that only
 * AWS is sure to resolve. Without any credentials requests go out unsigned, which public buckets accept.
 *
 * Does not retry: whoever calls it also has to go on with a body that was cut, which the SDK does not.
 * @param region default: the configured one, else us-east-1, which redirects to the right one
 */
export async function s3Client(network: Network, region?: string): Promise<S3Client> {
  const sdk = await import('@aws-sdk/client-s3')
  const config: S3ClientConfig = {
    maxAttempts: 1,
    responseChecksumValidation: 'WHEN_REQUIRED',
    requestHandler: await awsRequests(network),
  }
  const usual = new sdk.S3Client(config)
  const keys = await keysOf(usual)
  if (keys !== undefined) network.credentials.push(...awsSecrets(keys))
  const configured = await usual.config.region().catch(() => undefined)
  const wanted = region ?? configured ?? 'us-east-1'
  const { credentials } = usual.config
  const client =
    keys !== undefined && wanted === configured
      ? usual
      : new sdk.S3Client({ ...config, ...(keys === undefined ? UNSIGNED : { credentials }), region: wanted })
  if (client !== usual) usual.destroy()
  const { endpointProvider } = client.config
  client.config.endpointProvider = (parameters, context) =>
    endpointProvider({ ...parameters, ForcePathStyle: parameters.Endpoint !== undefined }, context)
  return client
}

const UNSIGNED: S3ClientConfig = {
  credentials: { accessKeyId: '', secretAccessKey: '' },
  signer: { sign: async (request) => request },
}

async function keysOf(client: S3Client) {
  try {
    return await client.config.credentials()
  } catch (error) {
    if (error instanceof Error && error.name === 'CredentialsProviderError') return undefined
    throw error
  }
}
