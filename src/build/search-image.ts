import { apply } from '../oci/apply.ts'
import type { ImageConfig } from '../oci/config.ts'
import { EMPTY_CONTENT } from '../oci/content.ts'
import { type ByteString, fromText } from '../oci/name.ts'
import { type Directory, EMPTY, FRESH_DIRECTORY, type Node, type Tree } from '../oci/node.ts'
import { nodeAt } from '../oci/tree-paths.ts'
import type { FoundMember } from '../secrets/search-archive.ts'
import type { SearchMemory } from '../secrets/search-memory.ts'
import { searchTree } from '../secrets/search-tree.ts'
import { SecretPatterns, SecretSearch } from '../secrets/secret-search.ts'
import type { SecretValue } from '../secrets/secret-values.ts'
import type { Plan, PlannedStep } from '../spec/plan.ts'
import { allowedBy } from './allowed-secrets.ts'
import type { Base } from './base.ts'
import { annotationTexts, configTexts, type ImageText } from './config-texts.ts'
import { type Leak, secretFound } from './leak.ts'
import type { Made } from './make-tree.ts'

/**
 * Looks for secrets in the files that are going to be the layer. @throws SECRET_FOUND for what the spec does not allow;
 * the signal's reason
 */
export async function refuseSecretFiles(
  plan: Plan,
  { trees, tree }: Pick<Made, 'trees' | 'tree'>,
  values: readonly SecretValue[],
  { memory, signal }: { readonly memory: SearchMemory; readonly signal: AbortSignal },
): Promise<void> {
  // Nothing is added, so nobody knows what is there.
  if (trees === undefined) return
  const searchBase = plan.layers === 'squash'
  const found = await searchTree(trees.base, await tree(), { values, searchBase, memory, signal })
  refuse(
    plan,
    found.map(({ path, inBase, ...secret }): Leak => {
      const step = inBase ? undefined : plan.steps[broughtBy(path, trees) - 1]
      return { ...secret, place: `/${path}`, from: step ?? 'base' }
    }),
    values,
  )
}

/** As `refuseSecretFiles`, for what a script changed, all of it: what a later step removes, and names of what it removed. */
export async function refuseSecretDelta(
  plan: Plan,
  from: PlannedStep,
  delta: Directory,
  values: readonly SecretValue[],
  signal: AbortSignal,
): Promise<void> {
  const found = await searchTree(EMPTY, apply(EMPTY, shown(delta)), { values, searchBase: false, signal })
  const leaks = found.map(({ path, inBase: _, ...secret }): Leak => ({ ...secret, place: `/${path}`, from }))
  refuse(plan, leaks, values)
}

/** With an empty file for each whiteout. */
function shown(layer: Directory): Directory {
  const children = new Map<ByteString, Node>()
  for (const [name, node] of layer.children) children.set(name, node.kind === 'directory' ? shown(node) : named(node))
  return { ...layer, children }
}

function named(node: Node): Node {
  return node.kind === 'whiteout' ? { kind: 'file', attrs: FRESH_DIRECTORY, content: EMPTY_CONTENT } : node
}

/** As `refuseSecretFiles`, for what was found in a layer that an earlier build made. @throws SECRET_FOUND */
export function refuseSecretMembers(plan: Plan, found: readonly FoundMember[], values: readonly SecretValue[]): void {
  refuse(
    plan,
    found.map(({ path, ...secret }): Leak => ({ ...secret, place: `/${path.replace(/^[./]+/, '')}`, from: 'cache' })),
    values,
  )
}

/** As `refuseSecretFiles`, for what is around the layers: config with history, and annotations. */
export function refuseSecretTexts(plan: Plan, base: Base, config: ImageConfig, values: readonly SecretValue[]): void {
  const known = new Set(Array.from(configTexts(base.config), ({ text }) => text))
  const images = [...configTexts(config), ...annotationTexts(plan.annotations)]
  const { old = [], news = [] } = Object.groupBy(images, ({ text }) => (known.has(text) ? 'old' : 'news'))
  const leaks = [
    ...leaksIn(news, new SecretPatterns(values, 'news'), (image) => plan.steps[stepOf(image, base)] ?? 'spec'),
    ...leaksIn(old, new SecretPatterns(values, 'base'), () => 'base'),
  ]
  refuse(plan, leaks, values)
}

/**
 * As `refuseSecretFiles`, for the list of what is in the image, which says more of the build than the history does.
 * @param own the same document without what package managers have written: in that, keys and short values prove nothing
 */
export function refuseSecretSbom(
  plan: Plan,
  { document, own }: { readonly document: Buffer; readonly own: Buffer },
  values: readonly SecretValue[],
): void {
  const found = [
    ...foundIn(own, new SecretPatterns(values, 'news')),
    ...foundIn(document, new SecretPatterns(values, 'base')),
  ]
  refuse(
    plan,
    found.map((secret): Leak => ({ ...secret, place: 'sbom', from: 'spec' })),
    values,
  )
}

function foundIn(bytes: Buffer, patterns: SecretPatterns) {
  if (patterns.isEmpty) return []
  const search = new SecretSearch(patterns)
  search.push(bytes)
  return search.end()
}

/** What is in texts that are searched as one: of a key in two parts, each may be the value of a variable of its own. */
function leaksIn(
  images: readonly ImageText[],
  patterns: SecretPatterns,
  originOf: (image: ImageText) => Leak['from'],
): Leak[] {
  const search = new SecretSearch(patterns)
  const starts: number[] = []
  let end = 0
  for (const { text } of images) {
    const bytes = Buffer.from(`${text}\n`)
    starts.push(end)
    end += bytes.byteLength
    search.push(bytes)
  }
  return search.end().map(({ at, ...secret }) => {
    const image = images[starts.findLastIndex((start) => start <= at)]!
    return { ...secret, place: fromText(image.place), from: originOf(image) }
  })
}

/** The index of the step that an entry of the history is of: they come behind those of the base. */
function stepOf({ entry = -1 }: ImageText, { config: { history, rootfs } }: Base): number {
  return entry - (history ?? rootfs.diff_ids).length
}

function refuse(plan: Plan, leaks: readonly Leak[], values: readonly SecretValue[]): void {
  const isAllowed = allowedBy(plan.allowSecrets)
  const refused = new Map<string, Leak>()
  for (const leak of leaks) {
    // A value that is there in several forms is told once.
    const key = `${leak.place}\0${leak.kind}\0${leak.needle?.name}`
    if (!refused.has(key) && !isAllowed(leak)) refused.set(key, leak)
  }
  if (refused.size > 0) throw secretFound([...refused.values()], plan, values)
}

/** The number of the last step that gave this path other bytes than it had; 0 for none. */
function broughtBy(path: string, { base, after }: NonNullable<Made['trees']>): number {
  const bytesAt = (tree: Tree) => {
    const node = nodeAt(tree, path)
    if (node?.kind === 'symlink') return node.target
    return node?.kind === 'file' ? node.content : node
  }
  for (let number = after.length; number > 0; number--) {
    if (bytesAt(after[number - 1]!) !== bytesAt(after[number - 2] ?? base)) return number
  }
  return 0
}
