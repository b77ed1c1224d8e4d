import type { Report } from '../events.ts'
import { jsonReport } from '../report/json-report.ts'
import { plainReport } from '../report/plain-report.ts'
import type { ProgressMode } from './options.ts'
import type { Surroundings } from './surroundings.ts'

export interface Progress extends Disposable {
  readonly report: Report
}

/** Live on a terminal that is no CI job's, else plain lines, unless a mode is named. */
export async function startProgress(mode: ProgressMode, { stderr, env }: Surroundings): Promise<Progress> {
  const write = (text: string) => void stderr.write(text)
  const live = mode === 'tty' || (mode === 'auto' && stderr.isTTY && !env.CI && env.TERM !== 'dumb')
  if (live) {
    const { LiveReport } = await import('../report/live-report.ts')
    const display = new LiveReport(stderr)
    return { report: display.report, [Symbol.dispose]: () => display.close() }
  }
  const report = mode === 'json' ? jsonReport(write) : plainReport(write)
  return { report, [Symbol.dispose]: () => {} }
}
