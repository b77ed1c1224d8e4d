import type { Event, Report } from '../events.ts'

/**
 * For steps that are gone through once more, for their files, after it was said that nothing changed: of them only what
 * is done again is reported, and no warning a second time.
 */
export function onlyNews(report: Report): Report {
  let held: Extract<Event, { type: 'step-started' }> | undefined
  return (event) => {
    if (event.type === 'warning' || (event.type === 'step-cache' && event.hit)) return
    if (event.type === 'step-started') {
      held = event
      return
    }
    const isSilent = held !== undefined
    if (event.type === 'step-cache' && held !== undefined) {
      report(held)
      held = undefined
    }
    if (event.type === 'step-finished') held = undefined
    if (event.type !== 'step-finished' || !isSilent) report(event)
  }
}
