import { Worker } from 'node:worker_threads'
import type { Content } from '../oci/content.ts'
import { type ByteString, fromBytes } from '../oci/name.ts'
import type { Node, Tree } from '../oci/node.ts'
import { walk } from '../oci/walk.ts'
import { isExemplary } from './exemplary.ts'
import { planReads, textRun } from './file-runs.ts'
import { type FoundIn, type SearchJob, searchRuns } from './search-runs.ts'
import type { Found } from './secret-search.ts'
import type { SecretValue } from './secret-values.ts'

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
  readonly signal: AbortSignal
}

const WORKER = new URL(`./search-worker${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url)
/** Bytes from which on a thread is worth its start. */
const MUCH = 4 << 20

/**
 * Secrets in the tree: in files that `base` does not have, values of credentials and keys of all kinds, also in names,
 * targets of symlinks and attributes; in those that it has, long values alone. Contents are read once; many bytes in a
 * thread, so that other work goes on meanwhile. Keys that are there to be examples do not count.
 * Sorted by path. @throws the signal's reason
 */
export async function searchTree(base: Tree, tree: Tree, options: SearchTreeOptions): Promise<FoundAt[]> {
  const { values, searchBase, signal } = options
  const { news, old, words } = partsOf(base, tree)
  const contents = (parts: readonly Part[]) => parts.map(({ content }) => content)
  const jobs: SearchJob[] = [
    { values, where: 'news', runs: words.length === 0 ? [] : [textRun(words.map(({ text }) => text))] },
    { values, where: 'news', runs: await planReads(contents(news)) },
    { values, where: 'base', runs: searchBase ? await planReads(contents(old)) : [] },
  ]
  const found = await search(jobs, signal)
  const at = [words, news, old].flatMap((list, i) =>
    found[i]!.map(({ file, ...one }) => ({ ...one, path: list[file]!.path, inBase: list === old })),
  )
  const real = at.filter(({ kind, path }) => kind === 'credential' || !isExemplary(path))
  return real.sort((a, b) => (a.path < b.path ? -1 : Number(a.path > b.path)))
}

interface Part {
  readonly path: ByteString
  readonly content: Content
}

interface Parts {
  /** A content that has several names is there once, under its first. */
  readonly news: Part[]
  readonly old: Part[]
  /** Name, target and attributes of each new node. */
  readonly words: { readonly path: ByteString; readonly text: ByteString }[]
}

function partsOf(base: Tree, tree: Tree): Parts {
  const known = new Set<Node | Content>()
  for (const [, node] of walk(base)) known.add(node).add(bytesOf(node))
  const met = new Set<Content>()
  const parts: Parts = { news: [], old: [], words: [] }
  for (const [path, node] of walk(tree)) {
    if (!known.has(node)) parts.words.push({ path, text: wordsOf(path, node) })
    if (node.kind !== 'file' || met.has(node.content)) continue
    met.add(node.content)
    const list = known.has(node.content) ? parts.old : parts.news
    list.push({ path, content: node.content })
  }
  return parts
}

const bytesOf = (node: Node) => (node.kind === 'file' ? node.content : node)

function wordsOf(path: ByteString, node: Node): ByteString {
  const target = node.kind === 'symlink' ? node.target : ''
  const xattrs = 'attrs' in node && node.attrs !== undefined ? [...(node.attrs?.xattrs.values() ?? [])] : []
  return [path.slice(path.lastIndexOf('/') + 1), target, ...xattrs.map(fromBytes)].join('\0')
}

async function search(jobs: readonly SearchJob[], signal: AbortSignal): Promise<FoundIn[][]> {
  signal.throwIfAborted()
  const size = jobs
    .flatMap(({ runs }) => runs)
    .reduce((sum, { starts, ends }) => sum + (ends.at(-1) ?? 0) - (starts[0] ?? 0), 0)
  if (size < MUCH) return jobs.map(searchRuns)
  const { promise, resolve, reject } = Promise.withResolvers<FoundIn[][]>()
  const worker = new Worker(WORKER, { execArgv: [], workerData: jobs, resourceLimits: { maxYoungGenerationSizeMb: 4 } })
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
