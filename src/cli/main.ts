import { Console } from 'node:console'
import { type Command, CommanderError } from 'commander'
import { OcibakeError, systemCode } from '../errors.ts'
import { jsonError } from '../report/json-error.ts'
import { renderError } from '../report/render-error.ts'
import { explained } from './explained.ts'
import { ignoreTypeless } from './ignore-typeless.ts'
import { program } from './program.ts'
import { StopSignals } from './stop-signals.ts'
import type { Surroundings } from './surroundings.ts'

/** Runs the command line of a process to its end, however it ends. @returns the exit code */
export async function main(host: NodeJS.Process, around: Omit<Surroundings, 'signal' | 'endable'>): Promise<number> {
  // A spec is a program, and may use the console; stdout is for results.
  Object.assign(console, new Console(around.stderr))
  ignoreTypeless(host)
  const json = wantsJson(host.argv)
  const say = (error: unknown, exitCode: number, debug = false) =>
    void around.stderr.write(json ? jsonError(error, exitCode) : renderError(error, debug))
  const done = refuseEarlyExit(host, say)
  const stop = new StopSignals(host, done)
  surviveClosedPipes(host)
  const { signal } = stop
  const top = program({ ...around, signal, endable: (work) => stop.endable(work) }, host.argv[2])
  if (json) silence(top)
  try {
    await top.parseAsync(host.argv)
    return 0
  } catch (error) {
    if (error instanceof CommanderError) {
      const code = error.exitCode === 0 ? 0 : 2
      // Without --progress json commander has said what it has to say.
      if (json && code !== 0) say(new OcibakeError('USAGE', error.message.replace(/^error: /, '')), code)
      return code
    }
    const known = signal.aborted ? signal.reason : explained(error)
    const code = stop.exitCode ?? (known instanceof OcibakeError ? known.exitCode : 70)
    say(known, code, top.opts().debug === true)
    return code
  } finally {
    done()
  }
}

/** Read before commander reads it, so that its own complaints are JSON too. */
function wantsJson(argv: readonly string[]): boolean {
  return argv.some((word, at) => word === '--progress=json' || (word === '--progress' && argv[at + 1] === 'json'))
}

function silence(command: Command): void {
  command.configureOutput({ writeErr: () => {} })
  for (const inner of command.commands) silence(inner)
}

function surviveClosedPipes(host: NodeJS.Process): void {
  for (const stream of [host.stdout, host.stderr]) {
    stream.on('error', (error) => {
      // Whoever has stopped reading (`ocibake … | head`) has not asked for the build to end.
      if (systemCode(error) !== 'EPIPE') throw error
    })
  }
}

/** Node's exit code for a program that still awaits something, which it says itself. */
const UNSETTLED = 13

/** A spec that ends the process would look like a success that built nothing. @returns to be called when all is done */
function refuseEarlyExit(host: NodeJS.Process, say: (error: unknown, exitCode: number) => void): () => void {
  const refuse = (code: number) => {
    if (code === UNSETTLED) return
    const error = new OcibakeError(
      'SPEC_UNREADABLE',
      `A spec ended the process (exit code ${code}) before it was built.`,
      {
        hint: 'Take the call that does it out. A spec that cannot go on throws an Error.',
      },
    )
    say(error, error.exitCode)
    host.exitCode = error.exitCode
  }
  const done = () => void host.off('exit', refuse)
  host.on('exit', refuse)
  // Node shows what nobody caught.
  host.on('uncaughtExceptionMonitor', done)
  return done
}
