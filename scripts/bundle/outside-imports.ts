import type { Plugin } from 'rolldown'

/** What is left of imports when those of parts and of Node's own modules are none any more. */
const IMPORT = /(?<![.#\w$])import\(/g

/**
 * Has parts import what is outside of them (specs) by the function that they are given for it: Node lets nobody import who
 * is not a module that it has loaded.
 */
export function outsideImports(): Plugin {
  return { name: 'outside-imports', renderChunk: (code) => code.replace(IMPORT, 'importModule(') }
}
