import { isBuiltin } from 'node:module'
import type { Plugin } from 'rolldown'

/** As rolldown writes them: `import a from "m"`, `import { a, b as c } from "m"`, `import * as a from "m"`, `import "m"`. */
const IMPORT = /^import (?:(?:([\w$]+)|\* as ([\w$]+)|(?:([\w$]+), )?\{ ([^}]+) \}) from )?"([\w:/]+)";$/gm
const LAZY_IMPORT = /\bimport\("([\w:/]+)"\)/g

/**
 * Takes Node's own modules by `process.getBuiltinModule`. An `import` of one asks for every single thing that it exports,
 * wanted or not, and some are made when they are asked for: with `node:http` come fetch and WebSockets, which nobody here
 * uses, and 20 milliseconds.
 * @param entry the file that older versions of Node have to load, too, which lack that function
 */
export function builtinsByName(entry?: string): Plugin {
  return {
    name: 'builtins-by-name',
    renderChunk(code, { fileName }) {
      if (fileName === entry) return null
      return code
        .replace(IMPORT, (line, alone, namespace, first, names, id) =>
          isBuiltin(id) ? taken(id, [alone, namespace, first], names) : line,
        )
        .replace(LAZY_IMPORT, (call, id) => (isBuiltin(id) ? `Promise.resolve(${getting(id)})` : call))
    },
  }
}

function taken(id: string, wholes: readonly (string | undefined)[], names: string | undefined): string {
  const lines = wholes.filter((name) => name !== undefined).map((name) => `const ${name} = ${getting(id)};`)
  if (names !== undefined) lines.push(`const { ${names.replaceAll(' as ', ': ')} } = ${getting(id)};`)
  return lines.join('\n')
}

const getting = (id: string) => `process.getBuiltinModule("${id}")`
