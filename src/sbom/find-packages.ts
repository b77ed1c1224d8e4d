import { basename } from 'node:path'
import type { ByteString } from '../oci/name.ts'
import type { Directory, Tree } from '../oci/node.ts'
import { Walk } from '../oci/walk.ts'
import { findApks } from './apk.ts'
import { distributionOf } from './distribution.ts'
import { findDebs } from './dpkg.ts'
import type { FoundPackage } from './found-package.ts'
import { ImageTexts } from './image-texts.ts'
import { findNpm, isNpmFolder } from './npm.ts'
import { findPython, isPythonFolder } from './python.ts'
import { noteRpms } from './rpm.ts'
import { Unread } from './unread.ts'

/** Packages that a list has: what is beyond it is noted. */
const MOST = 200_000
/** Characters that all of them may have together: a document is one text, of which there is half a gigabyte at most. */
const MOST_CHARACTERS = 64 << 20

/** What package managers have put into an image. */
export interface FoundPackages {
  /** Each once, by its purl, which they are sorted by. */
  readonly packages: readonly FoundPackage[]
  /** What is missing among them and why, a sentence each. */
  readonly unread: readonly string[]
}

/**
 * The packages that dpkg, apk, pip and npm have left in a tree, by their own files. Nothing that an image has is a fault:
 * what cannot be read is noted. @throws STORE_CORRUPT, FILE_CHANGED, the signal's reason
 */
export async function findPackages(tree: Tree, signal: AbortSignal): Promise<FoundPackages> {
  const unread = new Unread()
  const texts = new ImageTexts(tree, unread, signal)
  const packages = new Map<string, FoundPackage>()
  let characters = 0
  const find = (found: FoundPackage) => {
    if (packages.has(found.purl)) return
    if (packages.size === MOST) return unread.add(found.from, `there are more than ${MOST} packages`)
    characters += charactersOf(found)
    if (characters <= MOST_CHARACTERS) packages.set(found.purl, found)
    else unread.add(found.from, `what it says of all packages is longer than ${MOST_CHARACTERS >> 20} MiB`)
  }
  const distribution = await distributionOf(texts)
  await findDebs(texts, distribution, find)
  await findApks(texts, distribution, find)
  noteRpms(texts)
  for (const [path, folder, findIn] of languageFolders(tree)) await findIn(texts, path, folder, find)
  const sorted = [...packages.values()].sort((a, b) => (a.purl < b.purl ? -1 : 1))
  return { packages: sorted, unread: unread.sentences() }
}

/** As many as the document may have of it: a path may have to be escaped. */
function charactersOf({ name, version, purl, supplier = '', license = '', from }: FoundPackage): number {
  return 2 * name.length + version.length + purl.length + supplier.length + license.length + 4 * from.length
}

function* languageFolders(tree: Tree): Generator<[path: ByteString, folder: Directory, findIn: typeof findNpm]> {
  for (const at = new Walk(tree); at.next(); ) {
    if (at.node.kind !== 'directory') continue
    const name = basename(at.path)
    if (isPythonFolder(name)) yield [at.path, at.node, findPython]
    else if (isNpmFolder(name)) yield [at.path, at.node, findNpm]
  }
}
