import { OcibakeError } from '../errors.ts'
import { apply } from '../oci/apply.ts'
import { fromText } from '../oci/name.ts'
import { NO_XATTRS, type Node, type Tree } from '../oci/node.ts'
import { nodeAt, placeAt, resolvePath } from '../oci/tree-paths.ts'
import { UNDATED } from './dates.ts'
import { imagePath, newPath } from './glob.ts'
import type { LinkStep, Tools } from './step.ts'

/** The tree with one more symbolic or hard link; a file or link of that name is replaced, as by `ln -sfn`. */
export async function link(tree: Tree, step: LinkStep, _tools: Tools): Promise<Tree> {
  const path = newPath(step.link)
  const parent = resolvePath(tree, path, { followLast: false })
  if (parent !== null && nodeAt(tree, parent)?.kind === 'directory') {
    throw new OcibakeError('PATH_INVALID', `${step.link} is a folder in the image.`, {
      hint: 'Name the new link itself, or remove the folder in an earlier step.',
    })
  }
  return apply(tree, placeAt(path, step.hard === true ? existing(tree, step) : symbolic(step)))
}

function symbolic(step: LinkStep): Node {
  const attrs = { mode: 0o777, uid: 0, gid: 0, mtime: UNDATED, xattrs: NO_XATTRS }
  return { kind: 'symlink', attrs, target: fromText(step.target) }
}

function existing(tree: Tree, step: LinkStep): Node {
  const at = resolvePath(tree, imagePath(step.target))
  const node = at === null ? undefined : nodeAt(tree, at)
  if (node !== undefined && node.kind !== 'directory') return node
  const got = node === undefined ? 'does not exist in the image' : 'is a folder'
  throw new OcibakeError('PATH_NOT_FOUND', `${step.target} ${got}, so there can be no hard link to it.`, {
    hint: 'Make a symbolic link (without `hard: true`), or make the file in an earlier step.',
  })
}
