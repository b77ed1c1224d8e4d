/**
 * bundle.ts [FOLDER]
 * Makes the programs in dist/, or in that folder, of src/: our code and the libraries that it uses, in few files, since finding, reading and
 * linking a file for each module took more than half of a short command's time. What is imported lazily is still loaded
 * when it is needed. Part of `npm run build`, where tsc makes the declarations.
 */
import { chmod, glob, readFile, rm, writeFile } from 'node:fs/promises'
import { basename, join, resolve } from 'node:path'
import { type OutputChunk, type OutputOptions, type PreRenderedChunk, rolldown } from 'rolldown'
import { builtinsByName } from './bundle/builtins-by-name.ts'
import { libraryFolder, libraryLicences } from './bundle/libraries.ts'
import { ownPlaces } from './bundle/own-places.ts'
import { parts } from './bundle/parts.ts'
import { startWithSmallMalloc } from './bundle/small-malloc.ts'

const PROJECT = join(import.meta.dirname, '..')
const SOURCE = join(PROJECT, 'src')
const OUT = resolve(process.argv[2] ?? join(PROJECT, 'dist'))
/** What is not JavaScript of what we load from libraries (src/import/hcl/grammar.ts): it stands beside the programs. */
const ASSETS = ['web-tree-sitter/web-tree-sitter.wasm', '@tree-sitter-grammars/tree-sitter-hcl/tree-sitter-hcl.wasm']

/** Bundles entry points, named as the files that they become. @returns what was written */
async function bundle(entries: readonly string[], options: OutputOptions): Promise<readonly OutputChunk[]> {
  await using build = await rolldown({
    cwd: PROJECT,
    input: Object.fromEntries(entries.map((entry) => [entry, join(SOURCE, `${entry}.ts`)])),
    platform: 'node',
    // Of the two forms that libraries come in, the one of which only what is used has to be taken. Where a linked
    // node_modules/ really is would be named in the files.
    resolve: { mainFields: ['module', 'main'], symlinks: false },
    preserveEntrySignatures: 'allow-extension',
    plugins: [ownPlaces(SOURCE, join(SOURCE, 'cli.ts')), builtinsByName('cli.js')],
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

await rm(OUT, { recursive: true, force: true })
const programs = await bundle(['cli', 'index'], { codeSplitting: parts(SOURCE) })
// Apart from the rest, so that they hold nothing that they do not need: a build starts several of them.
const threads = await Array.fromAsync(glob('**/*-worker.ts', { cwd: SOURCE }), (file) => file.replace(/\.ts$/, ''))
const workers = await bundle(threads, { chunkFileNames: 'parts/thread-[name].js' })
const assets = ASSETS.map((file) => join(PROJECT, 'node_modules', file))
// Libraries come with modes of their own.
for (const file of assets) await writeFile(join(OUT, basename(file)), await readFile(file))
const modules = [...[...programs, ...workers].flatMap(({ moduleIds }) => moduleIds), ...assets]
await writeFile(join(OUT, 'third-party.txt'), libraryLicences(modules))
await startWithSmallMalloc(join(OUT, 'cli.js'))
await chmod(join(OUT, 'cli.js'), 0o755)
