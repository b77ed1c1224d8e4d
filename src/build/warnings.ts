import type { Report } from '../events.ts'

/** What a step warned of: said again when its result comes from the cache. */
export interface Warning {
  readonly message: string
  readonly hint?: string
}

/** The same report, and the warnings that pass through it. */
export function noting(report: Report): { readonly report: Report; readonly warnings: readonly Warning[] } {
  const warnings: Warning[] = []
  const noted: Report = (event) => {
    if (event.type === 'warning') {
      const { message, hint } = event
      warnings.push({ message, ...(hint === undefined ? {} : { hint }) })
    }
    report(event)
  }
  return { report: noted, warnings }
}

export function warnAgain(report: Report, warnings: readonly Warning[]): void {
  for (const warning of warnings) report({ type: 'warning', ...warning })
}
