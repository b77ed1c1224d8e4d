import { readFile } from 'node:fs/promises'
import { loadavg } from 'node:os'
import { join } from 'node:path'
import { execa } from 'execa'
import type { Command } from './builders/builder.ts'

export interface Measured {
  /** Wall time. */
  readonly seconds: number
  /** Of the command and all its children, user and system. */
  readonly cpuSeconds: number
  /** MiB of the largest process. */
  readonly peakMiB: number
  /** The machine's load (one minute) before it began. */
  readonly load: number
}

/** One line that the command wrote on stderr. */
export interface SeenLine {
  /** Since the command began. */
  readonly seconds: number
  readonly text: string
}

export interface MeasuredRun extends Measured {
  readonly lines: readonly SeenLine[]
}

/**
 * Runs a command under GNU time, after all that is to be written to disks was written. `folder` takes time's file.
 * @throws with the last lines of stderr when the command fails
 */
export async function measure({ argv, env }: Command, folder: string, signal: AbortSignal): Promise<MeasuredRun> {
  const file = join(folder, 'time')
  await execa('sync')
  const load = loadavg()[0]!
  const started = performance.now()
  const lines: SeenLine[] = []
  const child = execa('/usr/bin/time', ['-q', '-o', file, '-f', '%U %S %M', ...argv], {
    env: { ...env },
    stdin: 'ignore',
    stdout: 'ignore',
    stderr: 'pipe',
    buffer: false,
    reject: false,
    // A group of its own, all of which ends with us: shell scripts do not pass signals on.
    detached: true,
  })
  const end = () => child.pid !== undefined && process.kill(-child.pid, 'SIGTERM')
  signal.addEventListener('abort', end, { once: true })
  for await (const text of child.iterable({ from: 'stderr' })) {
    lines.push({ seconds: (performance.now() - started) / 1000, text })
  }
  const result = await child
  signal.removeEventListener('abort', end)
  const seconds = (performance.now() - started) / 1000
  signal.throwIfAborted()
  if (result.failed) {
    const last = lines.slice(-8).map(({ text }) => text)
    throw new Error(`${argv.slice(0, 3).join(' ')} … failed:\n${last.join('\n')}`)
  }
  return { seconds, load, lines, ...parseTime(await readFile(file, 'utf8')) }
}

/** Of what GNU time writes for the format `%U %S %M`. */
export function parseTime(text: string): { cpuSeconds: number; peakMiB: number } {
  const [user, system, kilobytes] = text.trim().split('\n').at(-1)!.split(' ').map(Number)
  return { cpuSeconds: user! + system!, peakMiB: kilobytes! / 1024 }
}
