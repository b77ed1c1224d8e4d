import type { Tree } from '../oci/node.ts'
import { clampTimes } from './clamp-times.ts'
import { settleDatabaseIds } from './database-ids.ts'
import { dateBytecode, dateShadow } from './dated-files.ts'
import type { NormaliseContext, Normaliser } from './normaliser.ts'
import { restore } from './restore.ts'

const restoring = (what: string, globs: readonly string[]): Normaliser => ({
  what,
  apply: (tree, { base }) => restore(tree, base, globs),
})

/**
 * What is taken out of a finished tree because it would differ from build to build without meaning anything. Each
 * only touches what the steps changed: the base stays as it is. `times` comes last, over what the others left.
 */
export const NORMALISERS = {
  'package-logs': restoring('logs of package managers are as the base has them', [
    '/var/log/dpkg.log*',
    '/var/log/alternatives.log*',
    '/var/log/bootstrap.log',
    '/var/log/apt/*',
    '/var/log/{dnf,yum,hawkey,apk}*.log*',
  ]),
  'package-caches': restoring('binary caches with times and addresses in them are as the base has them', [
    '/var/cache/apt/{pkgcache,srcpkgcache}.bin',
    '/var/cache/debconf/*-old',
    '/var/cache/man/**',
    '/var/cache/fontconfig/**',
  ]),
  'ldconfig-cache': restoring("ldconfig's auxiliary cache, which holds inode numbers, is as the base has it", [
    '/var/cache/ldconfig/aux-cache',
  ]),
  'machine-id': restoring('identities that are drawn at random are as the base has them', [
    '/etc/machine-id',
    '/var/lib/dbus/machine-id',
    '/var/lib/systemd/random-seed',
  ]),
  'python-bytecode': {
    what: "the source's time inside new .pyc files is no newer than the image",
    apply: dateBytecode,
  },
  'database-ids': {
    what: 'the random id inside new Berkeley DB files comes from their path',
    apply: settleDatabaseIds,
  },
  'shadow-dates': { what: "days of password changes in /etc/shadow are no later than the image's", apply: dateShadow },
  times: { what: 'no file of the new layer is newer than the image', apply: clampTimes },
} as const satisfies Record<string, Normaliser>

export type NormaliserName = keyof typeof NORMALISERS

/** The tree as it is shipped: every normaliser that is not turned off, in the order of the table. */
export async function normalise(
  tree: Tree,
  context: NormaliseContext,
  chosen: Partial<Readonly<Record<NormaliserName, boolean>>> = {},
): Promise<Tree> {
  let now = tree
  for (const [name, normaliser] of Object.entries(NORMALISERS)) {
    if (chosen[name as NormaliserName] !== false) now = await normaliser.apply(now, context)
  }
  return now
}
