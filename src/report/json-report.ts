import type { Event, Report } from '../events.ts'

/** Milliseconds between two lines that say how far the same task is. */
const APART = 100

/**
 * Every event as one line of JSON: `{"type":"step-started","step":1,…}`. How far a task is, is told ten times a second at
 * most, but for its end: each line wakes whoever reads them.
 * @param now milliseconds of a clock that only goes forward
 */
export function jsonReport(write: (text: string) => void, now = () => performance.now()): Report {
  const told = new Map<string, number>()
  const isSoon = (event: Event) => {
    if (event.type === 'task-finished') told.delete(event.task)
    if (event.type !== 'task-progress' || event.done === event.total) return false
    const at = now()
    if (at - (told.get(event.task) ?? Number.NEGATIVE_INFINITY) < APART) return true
    told.set(event.task, at)
    return false
  }
  return (event: Event) => {
    if (!isSoon(event)) write(`${JSON.stringify(event)}\n`)
  }
}
