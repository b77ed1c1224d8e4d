import { OcibakeError } from '../errors.ts'
import { apply } from '../oci/apply.ts'
import { bytesContent } from '../oci/content.ts'
import { NO_XATTRS, type Tree } from '../oci/node.ts'
import { nodeAt, placeAt, resolvePath } from '../oci/tree-paths.ts'
import { lookUpUser } from './accounts.ts'
import { UNDATED } from './dates.ts'
import { parseOctalMode } from './file-mode.ts'
import { newPath } from './glob.ts'
import type { Tools, WriteStep } from './step.ts'

/** The tree with a file of the given text; missing folders are made, a file that was there is replaced. */
export async function write(tree: Tree, step: WriteStep, _tools: Tools): Promise<Tree> {
  const path = newPath(step.write)
  const { uid, gid } = step.owner === undefined ? { uid: 0, gid: 0 } : await lookUpUser(tree, step.owner)
  const there = resolvePath(tree, path)
  if (there !== null && nodeAt(tree, there)?.kind === 'directory') {
    throw new OcibakeError('PATH_INVALID', `${step.write} is a folder in the image.`, {
      hint: 'Name the file in it that should be written.',
    })
  }
  const mode = parseOctalMode(step.mode ?? '0644')
  const attrs = { mode, uid, gid, mtime: UNDATED, xattrs: NO_XATTRS }
  return apply(tree, placeAt(path, { kind: 'file', attrs, content: bytesContent(step.text) }))
}
