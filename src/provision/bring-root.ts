import type { ByteString } from '../oci/name.ts'
import type { Tree } from '../oci/node.ts'
import { OF_THE_USER, warnOfRefused } from './host-attributes.ts'
import { type LaidOut, type LayOutOptions, namesByPath, stamped } from './lay-out.ts'
import type { ReadRoot } from './read-back.ts'
import { changeRoot } from './root-changes.ts'
import { rootDifference } from './root-difference.ts'
import type { RootEntry } from './root-entries.ts'
import { sourcesIn } from './root-records.ts'
import type { Found } from './survey-root.ts'

/** A root that was read back and lies there still. */
export interface KeptRoot {
  readonly laid: LaidOut
  readonly read: ReadRoot
}

/**
 * Makes of a kept root what laying out `tree` anew would give. undefined when that cannot be done in place; after a
 * failure nothing is known of the root.
 * @throws as `layOut`; INTERNAL when somebody else was at the root
 */
export async function bringRoot(
  { laid, read }: KeptRoot,
  tree: Tree,
  { owners = 'real', newest, report, signal }: LayOutOptions,
): Promise<LaidOut | undefined> {
  const { root } = laid
  const changes = laid.owners === owners ? rootDifference(read, tree, { owners, newest }) : undefined
  if (changes === undefined) return undefined
  const refused =
    changes.length === 0 ? [] : await changeRoot(root, changes, sourcesIn(tree), { owners, newest, signal })
  if (owners === 'real') warnOfRefused(refused, report)
  const [now, before] = [namesByPath(refused), recordedNames(read.found)]
  const unstamped = {
    root,
    tree,
    owners,
    refused: ({ path, identity }: RootEntry) => now.get(path) ?? before.get(identity),
  }
  return await stamped(unstamped, signal)
}

/** Attributes that the builder might have set himself, had the disk taken them: names by the identity of the inode. */
function recordedNames(found: Found, names = new Map<string, Set<ByteString>>()): Map<string, Set<ByteString>> {
  const own = [...(found.stamp.record?.xattrs.keys() ?? [])].filter((name) => OF_THE_USER.test(name))
  if (own.length > 0) names.set(found.entry.identity, new Set(own))
  for (const child of found.children ?? []) recordedNames(child, names)
  return names
}
