import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import type { Language, Parser } from 'web-tree-sitter'

let parser: Promise<Parser> | undefined

/**
 * A parser of HCL, one for the process: the grammar and the parsing library are WebAssembly, and are loaded when a template
 * is read for the first time.
 */
export function hclParser(): Promise<Parser> {
  parser ??= load()
  return parser
}

async function load(): Promise<Parser> {
  const [library, wasmBinary, grammar] = await Promise.all([
    import('web-tree-sitter'),
    program('web-tree-sitter', 'web-tree-sitter.wasm'),
    program('@tree-sitter-grammars/tree-sitter-hcl', 'tree-sitter-hcl.wasm'),
  ])
  await library.Parser.init({ wasmBinary } as object)
  const language: Language = await library.Language.load(grammar)
  return new library.Parser().setLanguage(language)
}

/** Read from the library in the repository, and from the folder of the bundled files in the package. */
function program(library: string, file: string): Promise<Uint8Array> {
  const fromSource = import.meta.url.endsWith('.ts')
  return readFile(
    fromSource
      ? createRequire(import.meta.url).resolve(`${library}/${file}`)
      : new URL(`../../${file}`, import.meta.url),
  )
}
