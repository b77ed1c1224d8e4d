import { execa } from 'execa'

/** Announces the next part of the demo. */
export function heading(text: string): void {
  console.log(`\n== ${text}`)
}

/** Prints the command as one would type it. */
export function show(argv: readonly string[]): void {
  console.log(`$ ${argv.map(quoted).join(' ')}`)
}

/** Sets variables for all that the demo runs from here on, and prints them; of those named in `secret` only the names. */
export function setVariables(env: Readonly<Record<string, string>>, secret: readonly string[]): void {
  Object.assign(process.env, env)
  for (const [name, value] of Object.entries(env)) {
    console.log(`$ export ${name}=${secret.includes(name) ? '…' : quoted(value)}`)
  }
}

/** Prints the command, runs it on this terminal, and fails when it fails. */
export async function run(argv: readonly string[], signal: AbortSignal): Promise<void> {
  show(argv)
  const [program, ...args] = argv
  await execa(program!, args, { stdin: 'ignore', stdout: 'inherit', stderr: 'inherit', cancelSignal: signal })
}

/** As `run`, and returns what it wrote on stdout, which is printed too. */
export async function read(argv: readonly string[], signal: AbortSignal): Promise<string> {
  show(argv)
  const [program, ...args] = argv
  const options = { stdin: 'ignore', stdout: ['pipe', 'inherit'], stderr: 'inherit', cancelSignal: signal } as const
  const { stdout } = await execa(program!, args, options)
  return stdout
}

function quoted(word: string): string {
  return /^[\w%+,./:=@-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`
}
