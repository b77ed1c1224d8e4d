import { removeTree } from '../oci/remove-tree.ts'
import { askHelper } from './native-helper.ts'

/** Removes a root and all that is in it, many times faster than `removeTree`, and as that does. */
export async function removeRoot(root: string): Promise<void> {
  const unhurried = new AbortController().signal
  await askHelper({ verb: 'remove', folder: root }, unhurried).catch(() => removeTree(root))
}
