import type { Event } from '../src/events.ts'
import type { SeenLine } from './measure.ts'

/** Seconds by what ocibake was doing; the sum is the whole run. */
export type Shares = Readonly<Record<string, number>>

/** What stands for the time in which nothing that has a beginning and an end is under way. */
const AFTER: Partial<Record<Event['type'], string>> = {
  'build-started': 'resolve base',
  'base-resolved': 'read base',
  'image-built': 'push',
  pushed: 'close',
}

/**
 * Where the time went, from the events of `--progress json` and when they came. Of things that overlap each gets an
 * equal part. Time between the named things goes to what was named last: `start` before the first event, `tree` when
 * no step runs (normalising, planning the layer).
 */
export function sharesOf(lines: readonly SeenLine[], seconds: number): Shares {
  const shares = new Map<string, number>()
  const open = new Map<string, string>()
  let idle = 'start'
  let last = 0
  const spend = (until: number) => {
    const busy = open.size > 0 ? [...open.values()] : [idle]
    for (const name of busy) shares.set(name, (shares.get(name) ?? 0) + (until - last) / busy.length)
    last = until
  }
  for (const { seconds: at, text } of lines) {
    if (!text.startsWith('{')) continue
    const event = JSON.parse(text) as Event
    spend(at)
    note(event, open)
    if (event.type === 'step-finished') idle = 'tree'
    idle = AFTER[event.type] ?? idle
  }
  spend(seconds)
  return Object.fromEntries(shares)
}

function note(event: Event, open: Map<string, string>): void {
  switch (event.type) {
    case 'step-started':
      open.set(`step ${event.step}`, event.verb)
      return
    case 'step-finished':
      open.delete(`step ${event.step}`)
      return
    case 'task-started':
      open.set(event.task, event.task.split(' ')[0]!)
      return
    case 'task-finished':
      open.delete(event.task)
      return
  }
}
