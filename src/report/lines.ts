import type { Event } from '../events.ts'
import { printable } from './printable.ts'
import { count, formatBytes, formatSpan } from './quantities.ts'

const MAX_TITLE = 100

/**
 * What one event says to people, in whole lines; none for what only a live display shows. One object serves one
 * build: it remembers how many steps there are and what tasks are called.
 */
export class Lines {
  #steps = 0
  readonly #tasks = new Map<string, { label: string; total: number | undefined }>()

  of(event: Event): string[] {
    switch (event.type) {
      case 'build-started':
        this.#steps = event.steps
        return [`${event.spec}: ${count(event.steps, 'step')}, ${event.platform}`]
      case 'base-resolved':
        return [`base ${event.base} ${event.digest} (${count(event.layers, 'layer')})`]
      case 'task-started':
        this.#tasks.set(event.task, { label: event.label, total: event.total })
        return [this.#task(event.task)]
      case 'task-progress':
        return []
      case 'task-finished':
        return this.#finished(event.task, event.outcome)
      case 'step-started':
        return [`${this.#step(event.step)} ${event.verb} ${titleLine(event.title)}`]
      case 'step-cache':
        return [`step ${event.step} ${event.verb}: ${printable(event.why)}`]
      case 'layer-cached':
        return ['nothing changed: the layer is from the cache']
      case 'step-finished':
        return event.milliseconds < 1000 ? [] : [`${this.#step(event.step)} done in ${formatSpan(event.milliseconds)}`]
      case 'output':
        return [`${this.#step(event.step)} | ${printable(event.line)}`]
      case 'retry':
        return [
          `retry ${event.attempt}/${event.limit} in ${formatSpan(event.waitMilliseconds)}: ${event.what}: ${event.reason}`,
        ]
      case 'note':
        return [event.message]
      case 'warning':
        return [`warning: ${event.message}`, ...(event.hint === undefined ? [] : [`  -> ${event.hint}`])]
      case 'image-built':
        return [`image ${event.digest} (${count(event.layers, 'layer')}, ${formatBytes(event.size)})`]
      case 'index-built':
        return [`index ${event.digest} (${event.platforms.join(', ')})`]
      case 'written':
        return [`wrote ${event.output}`]
      case 'pushed':
        return [`pushed ${event.reference.replace(/@.*/, '')}@${event.digest}`]
    }
  }

  #step(step: number): string {
    return `[${step}/${this.#steps}]`
  }

  #task(task: string): string {
    const { label, total } = this.#tasks.get(task)!
    return total === undefined ? label : `${label}, ${formatBytes(total)}`
  }

  /** Only an outcome is news: that a task ended shows in what comes next. */
  #finished(task: string, outcome: string | undefined): string[] {
    const label = this.#tasks.get(task)?.label ?? task
    this.#tasks.delete(task)
    return outcome === undefined ? [] : [`${label}: ${outcome}`]
  }
}

/** A step's title, which may be a whole script, on one line that is not too long. */
export function titleLine(text: string): string {
  const line = text.trim().replace(/\s*\n\s*/g, '; ')
  return line.length > MAX_TITLE ? `${line.slice(0, MAX_TITLE - 1)}…` : line
}
