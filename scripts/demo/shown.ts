import { execa } from 'execa'

/** A command for people to read and for the machine to run. */
export interface ShownCommand {
  readonly argv: readonly string[]
  /** Variables beside those that the demo was started with. */
  readonly env?: Readonly<Record<string, string>>
}

export function heading(text: string): void {
  console.log(`\n== ${text}`)
}

/** Prints the command as one would type it. */
export function show({ argv, env = {} }: ShownCommand): void {
  const settings = Object.entries(env).map(([name, value]) => `${name}=${quoted(value)}`)
  console.log(`$ ${[...settings, ...argv.map(quoted)].join(' ')}`)
}

/** Prints the command, runs it on this terminal, and fails when it fails. */
export async function run({ argv, env = {} }: ShownCommand, signal: AbortSignal): Promise<void> {
  show({ argv, env })
  const [program, ...args] = argv
  await execa(program!, args, { env, stdin: 'ignore', stdout: 'inherit', stderr: 'inherit', cancelSignal: signal })
}

/** As `run`, and returns what it wrote on stdout, which is printed too. */
export async function read({ argv, env = {} }: ShownCommand, signal: AbortSignal): Promise<string> {
  show({ argv, env })
  const [program, ...args] = argv
  const options = {
    env,
    stdin: 'ignore',
    stdout: ['pipe', 'inherit'],
    stderr: 'inherit',
    cancelSignal: signal,
  } as const
  const { stdout } = await execa(program!, args, options)
  return stdout
}

function quoted(word: string): string {
  return /^[\w%+,./:=@-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`
}
