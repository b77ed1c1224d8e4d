import { spawn } from 'node:child_process'
import type { OnLine } from './sandbox.ts'
import { supervise } from './supervise.ts'

export interface HostProgram {
  /** Its absolute path, and its arguments. */
  readonly argv: readonly string[]
  /** The whole environment. */
  readonly env: Readonly<Record<string, string>>
  /** Absolute. */
  readonly folder: string
}

/**
 * Runs a program of this machine, which reads nothing, to its end, or until `stop` aborts. What it has started and left
 * behind ends with it, unless that made a group of processes of its own.
 * @returns its exit code, 255 if a signal ended it
 * @throws what `onLine` throws; the system's error when it cannot be started
 */
export async function runHostProgram(program: HostProgram, onLine: OnLine, stop: AbortSignal): Promise<number> {
  const [file = '', ...args] = program.argv
  const child = spawn(file, args, {
    env: program.env,
    cwd: program.folder,
    stdio: ['ignore', 'pipe', 'pipe'],
    // A group of its own: Ctrl-C is for us alone, and all of it can be ended.
    detached: true,
  })
  const endGroup = (signal: NodeJS.Signals) => {
    if (child.pid === undefined) return
    try {
      process.kill(-child.pid, signal)
    } catch {
      // Nobody is left.
    }
  }
  child.once('exit', () => endGroup('SIGKILL'))
  const { lineError } = await supervise(child, { onLine, end: () => endGroup('SIGTERM'), stop })
  if (lineError !== undefined) throw lineError
  return child.exitCode ?? 255
}
