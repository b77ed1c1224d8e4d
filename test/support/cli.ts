import { chmod, cp } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { execa } from 'execa'
import { madeOnce } from './made-once.ts'

const CHECKOUT = join(import.meta.dirname, '../..')

/** The folder of the example specs. */
export const SPECS = join(CHECKOUT, 'specs')

/**
 * What `runCli` runs: the program as the package has it, made of src/ once a test run. It starts in a fifth of the time
 * that src/cli.ts takes, whose types are stripped in each process and thread.
 */
export async function cliProgram(): Promise<string> {
  const folder = await madeOnce('program', async (making) => {
    await execa(process.execPath, [join(CHECKOUT, 'scripts/bundle.ts'), join(making, 'dist')])
    for (const part of ['package.json', 'native/bin', 'ansible']) {
      await cp(join(CHECKOUT, part), join(making, part), { recursive: true })
    }
    await chmod(making, 0o755)
  })
  return join(folder, 'dist/cli.js')
}

export interface CliResult {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

export interface CliOptions {
  /** Where its caches go: a folder of the test's own. */
  readonly cache: string
  readonly cwd?: string
  /** Beside PATH, HOME (which is the cache, so that nobody's credentials are found) and proxies. */
  readonly env?: Readonly<Record<string, string>>
  /** A program, with its arguments, that runs the command: `taskset 1`. */
  readonly under?: readonly string[]
  /** Told of each line of stderr as it comes. */
  readonly onLine?: (line: string) => void
}

/** Runs `ocibake …` as a process with a clean environment, to its end. */
export async function runCli(args: readonly string[], options: CliOptions): Promise<CliResult> {
  const { cache, cwd, env = {}, under = [], onLine } = options
  const [program, ...rest] = [...under, process.execPath, await cliProgram(), ...args]
  const child = execa(program!, rest, {
    ...(cwd === undefined ? {} : { cwd }),
    env: {
      ...passedOn(),
      HOME: cache,
      CONTAINERS_REGISTRIES_CONF: '/dev/null',
      OCIBAKE_CACHE_DIR: join(cache, 'store'),
      ...env,
    },
    extendEnv: false,
    stdin: 'ignore',
    reject: false,
  })
  if (onLine !== undefined) createInterface({ input: child.stderr }).on('line', onLine)
  const result = await child
  if (result.exitCode === undefined) throw new Error(`${program} did not end by itself: ${result.shortMessage}`)
  return { code: result.exitCode, stdout: result.stdout, stderr: result.stderr }
}

/** `runCli` of a command that is to succeed. @returns what it printed @throws with its stderr when it fails */
export async function bake(args: readonly string[], options: CliOptions): Promise<string> {
  const { code, stdout, stderr } = await runCli(args, options)
  if (code !== 0) throw new Error(`ocibake ${args.join(' ')} ended with ${code}:\n${stderr}`)
  return stdout
}

function passedOn(): Record<string, string> {
  const names = ['PATH', ...['http_proxy', 'https_proxy', 'no_proxy', 'all_proxy'].flatMap((n) => [n, n.toUpperCase()])]
  return Object.fromEntries(names.flatMap((name) => (process.env[name] ? [[name, process.env[name]]] : [])))
}
