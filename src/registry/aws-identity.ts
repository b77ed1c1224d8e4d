import type { defaultProvider } from '@aws-sdk/credential-provider-node'
import { OcibakeError } from '../errors.ts'
import { awsRequests } from '../network/aws-requests.ts'
import { awsSecrets } from '../network/aws-secrets.ts'
import type { Network } from '../network/network.ts'

/** As the SDK has them. */
export type AwsKeys = Awaited<ReturnType<ReturnType<typeof defaultProvider>>>

/** AWS keys, and where they were found, for messages. */
export interface AwsIdentity {
  readonly keys: AwsKeys
  readonly source: string
}

/**
 * What AWS's chain finds: variables, profile, SSO, web identity, the role of a container or a machine. Undefined if it
 * finds nothing at all. `registry` is what the keys are wanted for.
 * @throws REGISTRY_UNAUTHORIZED if there is something that cannot be used, such as a login that has expired
 */
export async function awsIdentity(
  network: Network,
  region: string,
  registry: string,
): Promise<AwsIdentity | undefined> {
  const { defaultProvider } = await import('@aws-sdk/credential-provider-node')
  const client = { region, requestHandler: await awsRequests(network) }
  try {
    const keys = await defaultProvider({ clientConfig: client })()
    network.credentials.push(...awsSecrets(keys))
    return { keys, source: `AWS (${sourceOf(keys)})` }
  } catch (error) {
    // The last of the chain says that all of it has nothing.
    if (error instanceof Error && /^Could not load credentials from any providers/.test(error.message)) return undefined
    const name = error instanceof Error ? error.name : 'unknown error'
    throw new OcibakeError('REGISTRY_UNAUTHORIZED', `${registry}: the AWS credentials could not be loaded (${name}).`, {
      hint: 'Check AWS_PROFILE and the AWS configuration files, or log in again (aws sso login).',
      cause: error,
    })
  }
}

/** The SDK marks keys with `CREDENTIALS_PROFILE`, `CREDENTIALS_IMDS` …; the mark that came first is the nearest. */
function sourceOf(keys: AwsKeys & { readonly $source?: object }): string {
  const [mark = 'credentials'] = Object.keys(keys.$source ?? {})
  return mark
    .replace(/^CREDENTIALS_/, '')
    .replaceAll('_', ' ')
    .toLowerCase()
}
