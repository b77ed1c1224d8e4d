import type { Event, Report } from '../events.ts'

/** Every event as one line of JSON: `{"type":"step-started","step":1,…}`. */
export function jsonReport(write: (text: string) => void): Report {
  return (event: Event) => write(`${JSON.stringify(event)}\n`)
}
