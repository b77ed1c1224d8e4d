import { chown, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { withFolderLock } from '../oci/folder-lock.ts'
import { isJsonObject, type JsonObject } from '../oci/json.ts'
import { makeFolders } from '../oci/make-folders.ts'
import { outputError, writeFileAtomically } from '../oci/write-file.ts'
import { credentialKey, readCredentialRoot } from './credential-file.ts'

/**
 * Replaces the `auths` of a credentials file by what `edit` makes of them. Everything else in the file stays, the file is
 * there wholly or not at all, only its owner can read it (0600, a new folder 0700), a link to it stays a link, and it
 * keeps the owner that it had. Of several ocibake at once, each sees what the others wrote.
 * @throws CREDENTIALS_UNREADABLE for a file that is damaged: it stays as it is; OUTPUT_FAILED, DISK_FULL
 */
export async function editCredentialFile(
  path: string,
  signal: AbortSignal,
  edit: (auths: JsonObject) => JsonObject,
): Promise<void> {
  try {
    await makeFolders(dirname(path), 0o700)
    await withFolderLock(dirname(path), signal, async () => {
      const root = (await readCredentialRoot(path)) ?? {}
      const auths = isJsonObject(root.auths) ? root.auths : {}
      const text = JSON.stringify({ ...root, auths: edit(auths) }, null, '\t')
      const before = await ownerOf(path)
      await writeFileAtomically(path, Buffer.from(`${text}\n`), 0o600)
      // Root by sudo would otherwise take the file away from its user.
      if (before !== undefined && before.uid !== process.getuid?.()) await chown(path, before.uid, before.gid)
    })
  } catch (error) {
    throw outputError(error, path)
  }
}

/** `auths` without what is kept for a `host[/namespace]`, however it is spelled. */
export function withoutEntry(auths: JsonObject, key: string): JsonObject {
  return Object.fromEntries(Object.entries(auths).filter(([name]) => credentialKey(name) !== key))
}

async function ownerOf(path: string): Promise<{ uid: number; gid: number } | undefined> {
  return stat(path).catch(() => undefined)
}
