import { CommanderError } from 'commander'
import { OcibakeError, systemCode } from '../errors.ts'
import { renderError } from '../report/render-error.ts'
import { program } from './program.ts'
import type { Surroundings } from './surroundings.ts'

const SIGNALS = [
  ['SIGINT', 130],
  ['SIGTERM', 143],
  ['SIGHUP', 129],
] as const

/** Runs the command line of a process to its end, however it ends. @returns the exit code */
export async function main(host: NodeJS.Process, around: Omit<Surroundings, 'signal'>): Promise<number> {
  const stop = new AbortController()
  let stopped: number | undefined
  for (const [name, code] of SIGNALS) {
    host.on(name, () => {
      // The second time the user means it: nothing half-written is ever visible, so leaving at once is safe too.
      if (stop.signal.aborted) host.exit(code)
      stopped = code
      stop.abort(new OcibakeError('INTERRUPTED', `Stopped by ${name}. What was written or pushed before is complete.`))
    })
  }
  for (const stream of [host.stdout, host.stderr]) {
    stream.on('error', (error) => {
      // Whoever has stopped reading (`ocibake … | head`) has not asked for the build to end.
      if (systemCode(error) !== 'EPIPE') throw error
    })
  }
  const top = program({ ...around, signal: stop.signal })
  try {
    await top.parseAsync(host.argv)
    return 0
  } catch (error) {
    // Commander has said what it has to say.
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2
    const known = stop.signal.aborted ? stop.signal.reason : error
    around.stderr.write(renderError(known, top.opts().debug === true))
    return stopped ?? (known instanceof OcibakeError ? known.exitCode : 70)
  }
}
