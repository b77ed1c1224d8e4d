import type { SecretValue } from '../secrets/secret-values.ts'

/** What is secret of keys that AWS's chain has found; the id is not. */
export function awsSecrets(keys: { readonly secretAccessKey: string; readonly sessionToken?: string }): SecretValue[] {
  const { secretAccessKey, sessionToken } = keys
  const session = sessionToken === undefined ? [] : [{ name: 'the AWS session token', value: sessionToken }]
  return [{ name: 'the AWS secret access key', value: secretAccessKey }, ...session]
}
