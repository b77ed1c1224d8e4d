import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execa } from 'execa'
import { shippedCode } from '../../src/cli/shipped-code.ts'

const TRAINING = join(import.meta.dirname, '../train.ts')
/** Each loads the parts with other flags of V8, or calls other functions of them. */
const COMMANDS = ['build', 'validate']

/**
 * Writes beside the parts of the package what V8 makes of them for some commands, for the Node that this runs on. The first
 * build on a machine, which in CI every build is, otherwise takes 0.3 s of CPU time to compile them, a `validate` 0.08 s.
 */
export async function compileParts(dist: string): Promise<void> {
  const made = await mkdtemp(join(tmpdir(), 'ocibake-compiled-'))
  try {
    // Nobody's credentials, proxies and options of Node.
    const env = { PATH: process.env.PATH ?? '', HOME: made, TMPDIR: tmpdir() }
    const code = join(made, 'code')
    for (const command of COMMANDS) {
      // By default V8 drops functions that were not called for a while: such as all that a start calls.
      const program = ['--no-flush-bytecode', TRAINING, join(dist, 'parts'), code, command]
      await execa(process.execPath, program, { env, extendEnv: false, stdin: 'ignore', timeout: 120_000 })
    }
    const folder = join(dist, shippedCode())
    await mkdir(folder, { recursive: true })
    for (const name of await readdir(code)) {
      // Without V8's tag, in which is what this processor can do, too.
      await writeFile(join(folder, name.replace(/-[0-9a-f]+$/, '')), await readFile(join(code, name)))
    }
  } finally {
    await rm(made, { recursive: true, force: true })
  }
}
