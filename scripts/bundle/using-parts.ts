import { join } from 'node:path'
import type { Plugin } from 'rolldown'

interface UsingPartsOptions {
  /** The folder of our modules. */
  readonly source: string
  /** The program. */
  readonly cli: string
  /** What the library exports. */
  readonly names: readonly string[]
}

/** Lets the program and the library, which is the module `index`, take from the parts what is in them. */
export function usingParts({ source, cli, names }: UsingPartsOptions): Plugin {
  const library = `import { Parts } from ${JSON.stringify(join(source, 'cli/parts.ts'))}
import { fileURLToPath } from 'node:url'
export const { ${names.join(', ')} } = new Parts(fileURLToPath(new URL('parts/', import.meta.url))).load('index.cjs')`
  return {
    name: 'using-parts',
    resolveId(id, importer) {
      if (importer === cli && id === './cli/main.ts') return join(source, 'cli/packed-main.ts')
      return id === 'index' ? id : null
    },
    load: (id) => (id === 'index' ? library : null),
  }
}
