import { type SecretValue, secretText } from '../secrets/secret-values.ts'

/** What is secret of keys that AWS's chain has found; the id is not. */
export function awsSecrets(keys: { readonly secretAccessKey: string; readonly sessionToken?: string }): SecretValue[] {
  const { secretAccessKey, sessionToken } = keys
  const session = sessionToken === undefined ? [] : [secretText('the AWS session token', sessionToken)]
  return [secretText('the AWS secret access key', secretAccessKey), ...session]
}
