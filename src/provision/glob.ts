import { OcibakeError } from '../errors.ts'
import { type ByteString, display, fromText } from '../oci/name.ts'
import type { Directory, Tree } from '../oci/node.ts'
import { namesOf, nodeAt, resolvePath } from '../oci/tree-paths.ts'
import { sortedNames, walk } from '../oci/walk.ts'
import { WHITEOUT_PREFIX } from '../oci/whiteout-name.ts'
import { expandBraces } from './braces.ts'
import { hasWildcard, namePattern } from './wildcard.ts'

/** NAME_MAX, and PATH_MAX without its NUL. */
const NAME_LIMIT = 255
const PATH_LIMIT = 4095

/**
 * The paths of the tree that a glob matches, sorted, canonical (no symlink in their parents). `*`, `?`, `[a-z]` and
 * `{a,b}` stay within a name and match dot files; `**` is any number of folders. Names without a special character
 * follow symlinks, as in a shell; the last name of the glob never does. No match: an empty list.
 * @throws PATH_INVALID for a glob that is not absolute, has '..' or names the root itself
 */
export function glob(tree: Tree, pattern: string): ByteString[] {
  return [...new Set(expandBraces(pattern).flatMap((one) => globOne(tree, one)))].sort()
}

function globOne(tree: Tree, pattern: string): ByteString[] {
  const segments = pattern.split('/').filter((segment) => segment !== '' && segment !== '.')
  if (!pattern.startsWith('/')) throw invalid(pattern, "it does not start with '/'", `Write '/${pattern}'.`)
  if (segments.includes('..')) throw invalid(pattern, "it has a '..'", 'Write the path without it.')
  if (segments.length === 0) throw invalid(pattern, 'it is the root itself', "Name what is in it: '/*'.")
  return matches(tree, '', segments)
}

/**
 * As `glob`, for steps that need something to work on.
 * @throws PATH_NOT_FOUND when nothing matches
 */
export function globExisting(tree: Tree, patterns: string | readonly string[]): ByteString[] {
  const list = typeof patterns === 'string' ? [patterns] : patterns
  return list.flatMap((pattern) => {
    const found = pattern === '/' ? [''] : glob(tree, pattern)
    if (found.length > 0) return found
    throw new OcibakeError('PATH_NOT_FOUND', `Nothing in the image matches '${pattern}'.`, {
      hint: 'Check the path; steps are performed in order, so what a later step makes is not there yet.',
    })
  })
}

function matches(tree: Tree, path: ByteString, segments: readonly string[]): ByteString[] {
  const [segment, ...rest] = segments
  const folder = nodeAt(tree, path)
  if (segment === undefined || folder?.kind !== 'directory') return []
  if (segment === '**') return anyDepth(tree, path, folder, rest)
  return namesMatching(folder, segment).flatMap((name) => {
    const at = path === '' ? name : `${path}/${name}`
    if (rest.length === 0) return [at]
    const target = resolvePath(tree, at)
    return target === null ? [] : matches(tree, target, rest)
  })
}

/** `**` in the last place is everything below; elsewhere the rest is looked for in this folder and all below it. */
function anyDepth(tree: Tree, path: ByteString, folder: Directory, rest: readonly string[]): ByteString[] {
  const below = [...walk(folder)].map(([at, node]) => [path === '' ? at : `${path}/${at}`, node] as const)
  if (rest.length === 0) return below.map(([at]) => at)
  const folders = [path, ...below.filter(([, node]) => node.kind === 'directory').map(([at]) => at)]
  return folders.flatMap((at) => matches(tree, at, rest))
}

function namesMatching(folder: Directory, segment: string): ByteString[] {
  if (!hasWildcard(segment)) {
    const name = fromText(segment.replace(/\\(.)/gsu, '$1'))
    return folder.children.has(name) ? [name] : []
  }
  return sortedNames(folder).filter(namePattern(segment))
}

function invalid(pattern: string, why: string, hint: string): OcibakeError {
  return new OcibakeError('PATH_INVALID', `'${pattern}' is no path in the image: ${why}.`, { hint })
}

/** The names of an absolute path that a user typed. @throws PATH_INVALID when it is relative, has '..' or a NUL */
export function imagePath(text: string): ByteString {
  if (!text.startsWith('/')) throw invalid(text, "it does not start with '/'", `Write '/${text}'.`)
  if (text.includes('\0')) throw invalid(text.replaceAll('\0', '\\0'), 'it has a NUL byte', 'Remove it.')
  const names = namesOf(text)
  if (names.includes('..')) throw invalid(text, "it has a '..'", 'Write the path without it.')
  const path = fromText(names.join('/'))
  if (path.length > PATH_LIMIT || namesOf(path).some((name) => name.length > NAME_LIMIT)) {
    throw invalid(`${text.slice(0, 60)}…`, 'Linux has no names that long', `At most ${NAME_LIMIT} bytes a name.`)
  }
  return path
}

/** As `imagePath`, for what a step is going to make. @throws PATH_INVALID also for names that mean a deletion in a layer */
export function newPath(text: string): ByteString {
  const path = imagePath(text)
  refuseDeletion(path)
  return path
}

/** Said here, where it is known which step it is; the layer knows only that it cannot have it. @throws PATH_INVALID */
export function refuseDeletion(path: ByteString): void {
  if (!namesOf(path).some((name) => name.startsWith(WHITEOUT_PREFIX))) return
  const says = `No image can have /${display(path)}: in a layer, '${WHITEOUT_PREFIX}' before a name says that the file is deleted.`
  throw new OcibakeError('PATH_INVALID', says, { hint: 'Give it another name.' })
}
