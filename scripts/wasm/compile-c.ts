import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** Other versions make other bytes of the same source. */
const VERSION = '14.0.6'
/** Where the sources of others are: those whose warnings are theirs. */
const INCLUDED = fileURLToPath(new URL('../../third-party/libdeflate', import.meta.url))
const LANGUAGE = ['--target=wasm32', '-msimd128', '-mbulk-memory', '-ffreestanding', '-DFREESTANDING']
const COMPILE = [...LANGUAGE, '-O2', '-Wall', '-Wextra', '-Werror', '-isystem', INCLUDED, '-c']
/** A stack that is used up ends the program, and does not run into what it lays out. */
const LINK = ['--no-entry', '--strip-all', '--stack-first']

/** What a file in C is compiled to, as WebAssembly that imports nothing. */
export async function compileC(file: URL): Promise<Uint8Array> {
  for (const program of ['clang', 'wasm-ld']) check(program)
  const folder = mkdtempSync(join(tmpdir(), 'ocibake-wasm-'))
  const [object, result] = [join(folder, 'object.o'), join(folder, 'program.wasm')]
  try {
    // Apart from each other: clang itself would have a wasm-opt that it finds change the result.
    execFileSync('clang', [...COMPILE, fileURLToPath(file), '-o', object])
    execFileSync('wasm-ld', [...LINK, object, '-o', result])
    return readFileSync(result)
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** @throws when it is not the one whose result is committed */
function check(program: string): void {
  let said: string
  try {
    said = execFileSync(program, ['--version'], { encoding: 'utf8' })
  } catch {
    throw new Error(`there is no ${program}. On Debian 12: bash scripts/setup.sh test`)
  }
  const version = /\d+\.\d+\.\d+/.exec(said)?.[0]
  if (version === VERSION) return
  throw new Error(
    `${program} is ${version}. What is committed was made by ${VERSION}, of Debian 12; others make other bytes.`,
  )
}
