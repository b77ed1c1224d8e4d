import type { Report } from '../events.ts'
import { Lines } from './lines.ts'

/** Whole lines that are never taken back: for logs. */
export function plainReport(write: (text: string) => void): Report {
  const lines = new Lines()
  return (event) => {
    for (const line of lines.of(event)) write(`${line}\n`)
  }
}
