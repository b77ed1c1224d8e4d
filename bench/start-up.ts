import { join } from 'node:path'
import { execa } from 'execa'
import { CLI } from './builders/ocibake.ts'
import { median } from './statistics.ts'
import { table } from './table.ts'

const RUNS = 15

/** Milliseconds from a command to its end, beside what Node itself needs to start. */
export async function startUp(): Promise<string> {
  const spec = join(import.meta.dirname, '../specs/memcached.spec.ts')
  const commands: readonly (readonly [string, readonly string[], string])[] = [
    ['node, an empty program', [process.execPath, '--eval', '0'], ''],
    ['ocibake --version', [...CLI, '--version'], '100'],
    ['ocibake validate', [...CLI, 'validate', spec], '200'],
  ]
  const rows: string[][] = []
  for (const [what, [program, ...args], goal] of commands) {
    const taken: number[] = []
    for (let run = 0; run < RUNS; run++) {
      const started = performance.now()
      await execa(program!, args)
      taken.push(performance.now() - started)
    }
    rows.push([what, median(taken).toFixed(0), Math.min(...taken).toFixed(0), goal])
  }
  return table(['command', 'median ms', 'fastest ms', 'goal ms'], rows)
}
