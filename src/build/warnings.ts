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

/** Makes a report for each attempt at the same: none warns of what one before it has warned of. */
export function attemptReports(report: Report): () => Report {
  const told = new Set<string>()
  return () => {
    const before = new Set(told)
    return (event) => {
      if (event.type === 'warning') {
        if (before.has(event.message)) return
        told.add(event.message)
      }
      report(event)
    }
  }
}
