import type { ImageConfig } from '../oci/config.ts'
import { fromText } from '../oci/name.ts'
import type { Tree } from '../oci/node.ts'
import { nodeAt } from '../oci/tree-paths.ts'
import type { FoundMember } from '../secrets/search-archive.ts'
import type { SearchMemory } from '../secrets/search-memory.ts'
import { searchTree } from '../secrets/search-tree.ts'
import { SecretPatterns, SecretSearch } from '../secrets/secret-search.ts'
import type { SecretValue } from '../secrets/secret-values.ts'
import type { Plan } from '../spec/plan.ts'
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
  )
}

/** As `refuseSecretFiles`, for what was found in a layer that an earlier build made. @throws SECRET_FOUND */
export function refuseSecretMembers(plan: Plan, found: readonly FoundMember[]): void {
  refuse(
    plan,
    found.map(({ path, ...secret }): Leak => ({ ...secret, place: `/${path.replace(/^[./]+/, '')}`, from: 'cache' })),
  )
}

/** As `refuseSecretFiles`, for what is around the layers: config with history, and annotations. */
export function refuseSecretTexts(plan: Plan, base: Base, config: ImageConfig, values: readonly SecretValue[]): void {
  const known = new Set(Array.from(configTexts(base.config), ({ text }) => text))
  const ofBase = new SecretSearch(new SecretPatterns(values, 'base'))
  const ofSpec = new SecretSearch(new SecretPatterns(values, 'news'))
  const leaks: Leak[] = []
  for (const image of [...configTexts(config), ...annotationTexts(plan.annotations)]) {
    const isOld = known.has(image.text)
    const search = isOld ? ofBase : ofSpec
    search.push(Buffer.from(image.text))
    const from = isOld ? 'base' : (plan.steps[stepOf(image, base)] ?? 'spec')
    for (const { at: _, ...secret } of search.end()) leaks.push({ ...secret, place: fromText(image.place), from })
  }
  refuse(plan, leaks)
}

/** The index of the step that an entry of the history is of: they come behind those of the base. */
function stepOf({ entry = -1 }: ImageText, { config: { history, rootfs } }: Base): number {
  return entry - (history ?? rootfs.diff_ids).length
}

function refuse(plan: Plan, leaks: readonly Leak[]): void {
  const isAllowed = allowedBy(plan.allowSecrets)
  const refused = new Map<string, Leak>()
  for (const leak of leaks) {
    // A value that is there in several forms is told once.
    const key = `${leak.place}\0${leak.kind}\0${leak.needle?.name}`
    if (!refused.has(key) && !isAllowed(leak)) refused.set(key, leak)
  }
  if (refused.size > 0) throw secretFound([...refused.values()], plan)
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
