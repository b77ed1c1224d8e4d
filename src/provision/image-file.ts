import { OcibakeError } from '../errors.ts'
import { readAll } from '../oci/content.ts'
import { type ByteString, display } from '../oci/name.ts'
import type { Tree } from '../oci/node.ts'
import { nodeAt, resolvePath } from '../oci/tree-paths.ts'

const LIMIT = 1 << 20

/**
 * The bytes of a small file of the image, symlinks resolved inside it; undefined when there is none, or what is there
 * is no regular file.
 * @param limit bytes; default: 1 MiB
 * @throws PATH_INVALID above that
 */
export async function readSmallFile(tree: Tree, path: ByteString, limit = LIMIT): Promise<Buffer | undefined> {
  const real = resolvedOrNull(tree, path)
  const node = real === null ? undefined : nodeAt(tree, real)
  if (node?.kind !== 'file') return undefined
  if (node.content.size <= limit) return readAll(node.content, limit)
  throw new OcibakeError(
    'PATH_INVALID',
    `The image's /${display(path)} has ${node.content.size} bytes; at most ${limit} are read.`,
  )
}

/** A loop of symlinks is no file, as for open(2). */
function resolvedOrNull(tree: Tree, path: ByteString): ByteString | null {
  try {
    return resolvePath(tree, path)
  } catch (error) {
    if (error instanceof OcibakeError && error.code === 'PATH_INVALID') return null
    throw error
  }
}
