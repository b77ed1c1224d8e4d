import { OcibakeError } from '../errors.ts'
import type { SecretValue } from '../secrets/secret-values.ts'
import { environmentCredentials } from './credential-env.ts'
import { entryCredentials, readCredentialFile, secretOf } from './credential-file.ts'
import { type CredentialSurroundings, credentialPaths, inlineFile } from './credentials.ts'

/**
 * All passwords and tokens of registries that variables and files hold, whether they are needed or not. Nobody is asked:
 * what helpers keep is not among them. Places that cannot be read have nothing.
 */
export async function readableCredentials(around: CredentialSurroundings): Promise<SecretValue[]> {
  const { env } = around
  const variables = (await readable(() => [...environmentCredentials(env).values()])) ?? []
  const files = await Promise.all([
    readable(() => inlineFile(env)),
    ...credentialPaths(around).map((path) => readable(() => readCredentialFile(path))),
  ])
  const entries = files.flatMap((file) => [...(file?.auths ?? [])].map(([key, entry]) => ({ key, entry, file: file! })))
  const kept = await Promise.all(
    entries.map(({ key, entry, file }) => readable(() => entryCredentials(entry, key, file.path))),
  )
  return [...variables, ...kept].flatMap((credentials) => (credentials === undefined ? [] : [secretOf(credentials)]))
}

/** Whoever needs what cannot be read will say what is wrong with it. */
async function readable<T>(read: () => T | Promise<T>): Promise<T | undefined> {
  try {
    return await read()
  } catch (error) {
    if (error instanceof OcibakeError) return undefined
    throw error
  }
}
