import { type Content, Slice } from '../oci/content.ts'
import type { Digest } from '../oci/digest.ts'
import { LateChildren } from '../oci/late-children.ts'
import { type ByteString, fromBytes } from '../oci/name.ts'
import { type Directory, NO_XATTRS, type Node, type Tree } from '../oci/node.ts'
import { SparseContent } from '../oci/sparse-content.ts'
import { startThread } from '../oci/start-thread.ts'
import { isExemplary } from './exemplary.ts'
import { type FileRun, ReadPlan, textRuns } from './file-runs.ts'
import { type Remembered, type SearchMemory, unsearched } from './search-memory.ts'
import { type FoundIn, type SearchJob, type SearchResult, searchJobs, searchRuns } from './search-runs.ts'
import { type Found, SecretPatterns } from './secret-search.ts'
import type { SecretValue } from './secret-values.ts'
import { walkBeside } from './walk-beside.ts'
import { type WholeArchives, wholeArchives } from './whole-archives.ts'

/** A secret in a tree. */
export interface FoundAt extends Pick<Found, 'kind' | 'needle'> {
  readonly path: ByteString
  /** The base has this file, with these bytes. */
  readonly inBase: boolean
}

export interface SearchTreeOptions {
  readonly values: readonly SecretValue[]
  /** false: the base's own files are no part of what is written, so they are not read. */
  readonly searchBase: boolean
  /** Default: all is searched. */
  readonly memory?: SearchMemory
  readonly signal: AbortSignal
}

const WORKER = new URL(`./search-worker${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url)
/** Bytes from which on a thread is worth its start. */
const MUCH = 4 << 20
/** New nodes whose names are searched together. */
const BATCH = 4096

/**
 * Secrets in the tree: in files that `base` does not have, values of credentials and keys of all kinds, also in names,
 * targets of symlinks and attributes; in those that it has, long values alone. Contents are read once; many bytes in a
 * thread, so that other work goes on meanwhile. Keys that are there to be examples do not count. Sorted by path.
 * @throws the signal's reason
 */
export async function searchTree(base: Tree, tree: Tree, options: SearchTreeOptions): Promise<FoundAt[]> {
  const { values, memory, signal } = options
  const searchBase = options.searchBase && !new SecretPatterns(values, 'base').isEmpty
  const patterns = new SecretPatterns(values, 'news')
  const [news, old] = [new ReadPlan(), new ReadPlan()]
  const inWords: FoundIn[] = []
  const words: ByteString[] = []
  const numbers: number[] = []
  const searchWords = () => {
    const { found } = searchRuns(textRuns(words), patterns)
    inWords.push(...found.map((one) => ({ ...one, file: numbers[one.file]! })))
    words.length = numbers.length = 0
  }
  const archives = archivesOf(base)
  const whole = searchBase ? wholeArchives(archives) : undefined
  const searchOld = searchBase && !(whole !== undefined && (await memory?.isClean(whole.what)))
  await walkBeside(base, tree, searchOld, ({ number, name, node, isSame }) => {
    if (!isSame) {
      numbers.push(number)
      if (words.push(wordsOf(name, node)) === BATCH) searchWords()
    }
    if (node.kind !== 'file') return
    const { content } = node
    if (!archives.has(archiveOf(content))) news.add(number, content)
    else if (searchOld) old.add(number, content)
  })
  signal.throwIfAborted()
  searchWords()
  const jobs = await Promise.all([
    unsearched({ values, where: 'news', runs: await news.finish() }, memory),
    unsearched({ values, where: 'base', runs: await old.finish() }, memory),
  ])
  const [inNews, inBase] = await searchUnsearched(jobs, whole, memory, signal)
  return placed(base, tree, searchOld, [...inWords, ...inNews], inBase)
}

/**
 * What is in news and in the base. Of that the archives are searched as a whole, and the files only when something is in
 * those: what nothing is in is clean for every build that has some of it.
 */
async function searchUnsearched(
  [news, base]: readonly [Remembered, Remembered],
  whole: WholeArchives | undefined,
  memory: SearchMemory | undefined,
  signal: AbortSignal,
): Promise<[news: readonly FoundIn[], base: readonly FoundIn[]]> {
  const keep = ({ found, isWhole }: SearchResult, what: Digest | undefined, isRight?: () => boolean) => {
    const isClean = isWhole && found.length === 0
    if (isClean && what !== undefined) memory?.keep(what, isRight)
    return isClean
  }
  const brief = base.job.runs.length > 0 ? whole : undefined
  const results = await search([news.job, { ...base.job, runs: (brief ?? base.job).runs }], signal)
  const inNews = results[0]!
  let inBase = results[1]!
  keep(inNews, news.news)
  if (brief !== undefined) {
    if (keep(inBase, brief.what, brief.isRight)) return [inNews.found, []]
    inBase = (await search([base.job], signal))[0]!
  }
  keep(inBase, base.news)
  return [inNews.found, inBase.found]
}

/** The archives that files of the base are parts of; contents of files that are no part of any. */
function archivesOf(base: Tree): ReadonlySet<unknown> {
  const archives = new Set<unknown>()
  const folders: Directory[] = [base]
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    folder.children.forEach((node) => {
      if (node.kind === 'file') {
        if (node.content.size > 0) archives.add(archiveOf(node.content))
      } else if (node.kind === 'directory' && !isKnown(node)) folders.push(node)
    })
  }
  return archives

  /** Whether the archive of all files in the folder is there. */
  function isKnown({ children }: Directory): boolean {
    if (!(children instanceof LateChildren)) return false
    if (children.facts.hasBytes) archives.add(children.archive)
    return true
  }
}

const archiveOf = (content: Content) =>
  content instanceof Slice || content instanceof SparseContent ? content.file : content

function wordsOf(name: ByteString, node: Node): ByteString {
  const words = `${name}\0${node.kind === 'symlink' ? node.target : ''}`
  const xattrs = 'attrs' in node ? (node.attrs?.xattrs ?? NO_XATTRS) : NO_XATTRS
  if (xattrs.size === 0) return words
  return [words, ...Array.from(xattrs.values(), fromBytes)].join('\0')
}

async function search(jobs: readonly SearchJob[], signal: AbortSignal): Promise<SearchResult[]> {
  signal.throwIfAborted()
  if (jobs.reduce((sum, { runs }) => sum + sizeOf(runs), 0) < MUCH) return searchJobs(jobs)
  const { promise, resolve, reject } = Promise.withResolvers<SearchResult[]>()
  const worker = startThread(WORKER, jobs)
  const abort = () => reject(signal.reason)
  signal.addEventListener('abort', abort)
  worker.on('message', resolve)
  worker.on('error', reject)
  worker.on('exit', (code) => reject(new Error(`the searching thread ended with code ${code}`)))
  try {
    return await promise
  } finally {
    signal.removeEventListener('abort', abort)
    await worker.terminate()
  }
}

const sizeOf = (runs: readonly FileRun[]) => runs.reduce((sum, { starts, ends }) => sum + ends.at(-1)! - starts[0]!, 0)

/** What was found, by the paths of its files: few need one, so they are looked for when it is known which. */
async function placed(
  base: Tree,
  tree: Tree,
  isAll: boolean,
  inNews: readonly FoundIn[],
  inBase: readonly FoundIn[],
): Promise<FoundAt[]> {
  if (inNews.length + inBase.length === 0) return []
  const wanted = new Set([...inNews, ...inBase].map(({ file }) => file))
  const paths = new Map<number, ByteString>()
  await walkBeside(base, tree, isAll, ({ number, folder, name }) => {
    if (wanted.has(number)) paths.set(number, folder + name)
  })
  const at = (found: readonly FoundIn[], isInBase: boolean) =>
    found.map(({ file, ...one }) => ({ ...one, path: paths.get(file)!, inBase: isInBase }))
  return [...at(inNews, false), ...at(inBase, true)]
    .filter(({ kind, path }) => kind === 'credential' || !isExemplary(path))
    .sort((a, b) => (a.path < b.path ? -1 : Number(a.path > b.path)))
}
