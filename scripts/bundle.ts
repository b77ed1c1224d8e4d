/**
 * bundle.ts [FOLDER]
 * Makes the programs in dist/, or in that folder, of src/: our code and the libraries that it uses, in few files, since finding, reading and
 * linking a file for each module took more than half of a short command's time. What is imported lazily is still loaded
 * when it is needed. Part of `npm run build`, where tsc makes the declarations.
 */
import { chmod, glob, readFile, rm, writeFile } from 'node:fs/promises'
import { basename, join, resolve } from 'node:path'
import { type OutputChunk, type OutputOptions, type Plugin, type PreRenderedChunk, rolldown } from 'rolldown'
import { builtinsByName } from './bundle/builtins-by-name.ts'
import { compileParts } from './bundle/compile-parts.ts'
import { libraryFolder, libraryLicences } from './bundle/libraries.ts'
import { outsideImports } from './bundle/outside-imports.ts'
import { ownPlaces } from './bundle/own-places.ts'
import { divided } from './bundle/parts.ts'
import { startWithSmallMalloc } from './bundle/small-malloc.ts'
import { usingParts } from './bundle/using-parts.ts'
import { writeAscii } from './bundle/write-ascii.ts'

const PROJECT = join(import.meta.dirname, '..')
const SOURCE = join(PROJECT, 'src')
const OUT = resolve(process.argv[2] ?? join(PROJECT, 'dist'))
const CLI = join(SOURCE, 'cli.ts')
/** What is not JavaScript of what we load from libraries (src/import/hcl/grammar.ts): it stands beside the programs. */
const ASSETS = ['web-tree-sitter/web-tree-sitter.wasm', '@tree-sitter-grammars/tree-sitter-hcl/tree-sitter-hcl.wasm']
/** What our WebAssembly is made of (scripts/write-wasm.ts) and somebody else wrote. */
const COMPILED = ['third-party/libdeflate']

/** Bundles entry points, whose names are those of the files that they become. @returns what was written */
async function bundle(
  input: Readonly<Record<string, string>>,
  options: OutputOptions,
  plugins: readonly Plugin[],
): Promise<readonly OutputChunk[]> {
  await using build = await rolldown({
    cwd: PROJECT,
    input,
    platform: 'node',
    // Of the two forms that libraries come in, the one of which only what is used has to be taken. Where a linked
    // node_modules/ really is would be named in the files.
    resolve: { mainFields: ['module', 'main'], symlinks: false },
    preserveEntrySignatures: 'allow-extension',
    plugins: [ownPlaces(SOURCE, CLI), ...plugins],
    onLog: (level, log) => {
      // Emscripten's own, for programs that have JavaScript in their C, which these have not.
      if (log.code === 'EVAL' && libraryFolder(log.id ?? '')?.endsWith('/web-tree-sitter')) return
      throw new Error(`${level}: ${log.message}`)
    },
  })
  // Licences are kept beside the files.
  const comments = { legal: false, annotation: false, jsdoc: false }
  const { output } = await build.write({ dir: OUT, format: 'esm', chunkFileNames: nameOf, comments, ...options })
  return output.filter((file) => file.type === 'chunk')
}

/** The stack traces that users send name these files, and a library's module is often called index.js. */
function nameOf({ moduleIds }: PreRenderedChunk): string {
  const library = libraryFolder(moduleIds.at(-1) ?? '')
  return `parts/${library === undefined ? '[name]' : basename(library)}.js`
}

const file = (name: string) => join(SOURCE, `${name}.ts`)

await rm(OUT, { recursive: true, force: true })
const parts = await bundle(
  { main: file('cli/main'), index: file('index') },
  {
    format: 'cjs',
    entryFileNames: 'parts/[name].cjs',
    chunkFileNames: (chunk) => nameOf(chunk).replace(/js$/, 'cjs'),
    codeSplitting: divided(SOURCE),
  },
  [builtinsByName(), outsideImports()],
)
// Rolldown itself would write them as they are.
for (const { fileName } of parts) await writeAscii(join(OUT, fileName))
const library = parts.find(({ fileName }) => fileName === 'parts/index.cjs')!
const programs = await bundle({ cli: CLI, index: 'index' }, {}, [
  usingParts({ source: SOURCE, cli: CLI, names: library.exports }),
  builtinsByName('cli.js'),
])
// Apart from the rest, so that they hold nothing that they do not need: a build starts several of them.
const threads = await Array.fromAsync(glob('**/*-worker.ts', { cwd: SOURCE }), (name) => name.replace(/\.ts$/, ''))
const workers = await bundle(
  Object.fromEntries(threads.map((name) => [name, file(name)])),
  { chunkFileNames: 'parts/thread-[name].js' },
  [builtinsByName()],
)
const assets = ASSETS.map((name) => join(PROJECT, 'node_modules', name))
// Libraries come with modes of their own.
for (const asset of assets) await writeFile(join(OUT, basename(asset)), await readFile(asset))
const modules = [...[...parts, ...programs, ...workers].flatMap(({ moduleIds }) => moduleIds), ...assets]
await writeFile(
  join(OUT, 'third-party.txt'),
  libraryLicences(
    modules,
    COMPILED.map((folder) => join(PROJECT, folder)),
  ),
)
await startWithSmallMalloc(join(OUT, 'cli.js'))
await chmod(join(OUT, 'cli.js'), 0o755)
await compileParts(OUT)
