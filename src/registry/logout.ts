import { isJsonObject } from '../oci/json.ts'
import { editCredentialFile, withoutEntry } from './credential-edit.ts'
import { credentialKey, readCredentialFile, readCredentialRoot } from './credential-file.ts'
import { eraseFromHelper } from './credential-helper.ts'
import { type CredentialSurroundings, credentialPaths, serverName } from './credentials.ts'
import type { LoginTarget } from './login.ts'

/** A login that is gone now. */
export interface Forgotten {
  readonly key: string
  /** The file, or the helper. */
  readonly place: string
}

/**
 * Removes the logins to `target`, or all of them, from every file in which `credentialLookup` looks, and from the helpers
 * that those files name. Nothing else in the files changes; a file that holds none is not touched.
 * @throws CREDENTIALS_UNREADABLE, CREDENTIAL_HELPER_FAILED, OUTPUT_FAILED, DISK_FULL
 */
export async function forgetLogins(
  target: LoginTarget | 'all',
  around: CredentialSurroundings,
  signal: AbortSignal,
): Promise<Forgotten[]> {
  const forgotten: Forgotten[] = []
  for (const path of credentialPaths(around)) {
    const root = await readCredentialRoot(path)
    const file = await readCredentialFile(path)
    if (root === undefined || file === undefined) continue
    const kept = new Set(
      Object.keys(isJsonObject(root.auths) ? root.auths : {}).flatMap((name) => credentialKey(name) ?? []),
    )
    for (const key of target === 'all' ? kept : [target.key]) {
      const [registry = '', namespace] = key.split('/')
      const helper = namespace === undefined ? (file.helpers.get(registry) ?? file.store) : undefined
      if (helper !== undefined && (await eraseFromHelper(helper, serverName(registry), around.env))) {
        forgotten.push({ key, place: `docker-credential-${helper}` })
      }
      if (!kept.has(key)) continue
      await editCredentialFile(path, signal, (auths) => withoutEntry(auths, key))
      if (file.auths.has(key)) forgotten.push({ key, place: path })
    }
  }
  return forgotten
}
