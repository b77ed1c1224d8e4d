import { join } from 'node:path'
import type { ChunkingContext, CodeSplittingOptions } from 'rolldown'

interface Part {
  readonly name: string
  /** Files of ours. */
  readonly of: readonly string[]
  /** What these import lazily, not they themselves. */
  readonly lazily?: boolean
}

/**
 * The files in which the modules are that most commands need, in the order in which these come to need them. A module goes
 * with the first part that imports it, however indirectly.
 */
const PARTS: readonly Part[] = [
  { name: 'main', of: ['cli/main.ts'] },
  { name: 'build', of: ['cli/build-action.ts'] },
  { name: 'http', of: ['registry/exchange.ts'], lazily: true },
  { name: 's3', of: ['provision/s3-client.ts', 'network/aws-requests.ts'], lazily: true },
]

/**
 * How modules are divided into files: left alone, rolldown makes one for each set of lazy imports that share a module,
 * sixty for a build. What is in no part is left to it.
 * @param source the folder of our modules
 */
export function divided(source: string): CodeSplittingOptions {
  let known: ((id: string) => string | null) | undefined
  const name = (id: string, context: ChunkingContext) => {
    // The whole graph is there when the first name is asked for.
    known ??= partOf((file) => join(source, file), context)
    return known(id)
  }
  return { includeDependenciesRecursively: false, groups: [{ debugName: 'parts', name }] }
}

function partOf(own: (file: string) => string, context: ChunkingContext): (id: string) => string | null {
  const lazyImports = (id: string) => context.getModuleInfo(id)?.dynamicallyImportedIds ?? []
  const reached = PARTS.map(({ name, of, lazily = false }) => {
    const roots = of.map(own)
    return { name, lazily, ids: reach(lazily ? roots.flatMap(lazyImports) : roots, context) }
  })
  const library = reach([own('index.ts')], context)
  return (id) => {
    const part = id === own('cli.ts') || id === own('index.ts') ? undefined : reached.find(({ ids }) => ids.has(id))
    if (part === undefined) return null
    // Who uses the library loads nothing of the command line.
    return part.lazily || library.has(id) ? part.name : `${part.name}-command`
  }
}

/** All that modules import but for lazy imports, and themselves. */
function reach(roots: readonly string[], context: ChunkingContext): ReadonlySet<string> {
  const ids = new Set(roots)
  for (const id of ids) for (const next of context.getModuleInfo(id)?.importedIds ?? []) ids.add(next)
  return ids
}
