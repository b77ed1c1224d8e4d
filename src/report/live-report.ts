import { createLogUpdate } from 'log-update'
import type { Event, Report } from '../events.ts'
import { Lines } from './lines.ts'
import { formatBytes, formatSpan } from './quantities.ts'

const FRAME_MILLISECONDS = 100
const BAR_WIDTH = 24

interface Task {
  readonly label: string
  readonly started: number
  done: number
  total: number | undefined
}

interface Step {
  readonly text: string
  readonly started: number
}

/**
 * A display for a terminal: what is under way lives at the bottom with its progress, what happened scrolls above it.
 * `close` leaves the terminal as it should be.
 */
export class LiveReport {
  readonly report: Report = (event) => this.#take(event)
  readonly #update: ReturnType<typeof createLogUpdate>
  readonly #stream: NodeJS.WriteStream
  readonly #lines = new Lines()
  readonly #tasks = new Map<string, Task>()
  readonly #timer: NodeJS.Timeout
  #step: Step | undefined

  constructor(stream: NodeJS.WriteStream) {
    this.#stream = stream
    this.#update = createLogUpdate(stream)
    this.#timer = setInterval(() => this.#draw(), FRAME_MILLISECONDS).unref()
  }

  close(): void {
    clearInterval(this.#timer)
    this.#update.clear()
    this.#update.done()
  }

  #take(event: Event): void {
    if (event.type === 'task-started') {
      const { label, total } = event
      this.#tasks.set(event.task, { label, total, done: 0, started: performance.now() })
    } else if (event.type === 'task-progress') {
      const task = this.#tasks.get(event.task)
      if (task !== undefined) Object.assign(task, { done: event.done, total: event.total ?? task.total })
    } else if (event.type === 'task-finished') this.#tasks.delete(event.task)
    const lines = this.#lines.of(event)
    if (event.type === 'step-started') this.#step = { text: lines[0]!, started: performance.now() }
    if (event.type === 'step-finished') this.#step = undefined
    // A task shows below while it lasts; above it would be said twice.
    if (event.type !== 'task-started' && lines.length > 0) this.#print(lines)
  }

  #print(lines: readonly string[]): void {
    this.#update.clear()
    this.#stream.write(`${lines.join('\n')}\n`)
    this.#draw()
  }

  #draw(): void {
    const now = performance.now()
    const step = this.#step === undefined ? [] : [`${this.#step.text} ${formatSpan(now - this.#step.started)}`]
    const tasks = [...this.#tasks.values()].map((task) => `${bar(task)} ${task.label} ${amount(task)}`)
    const width = Math.max(20, (this.#stream.columns ?? 80) - 1)
    this.#update([...step, ...tasks].map((line) => line.slice(0, width)).join('\n'))
  }
}

function bar({ done, total }: Task): string {
  if (!total) return '·'.repeat(BAR_WIDTH)
  const filled = Math.min(BAR_WIDTH, Math.floor((done / total) * BAR_WIDTH))
  return '━'.repeat(filled) + '·'.repeat(BAR_WIDTH - filled)
}

function amount({ done, total }: Task): string {
  if (total === undefined) return done === 0 ? '' : formatBytes(done)
  return `${formatBytes(done)} of ${formatBytes(total)}`
}
