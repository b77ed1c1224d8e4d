import type { Report } from '../events.ts'

const BETWEEN_REPORTS = 100

/** A measured piece of work, told as `task-*` events; progress at most ten times a second. */
export class Task {
  readonly #report: Report
  readonly #id: string
  readonly #total: { readonly total?: number }
  #told = 0
  #open = true

  /** `id` is unique in a build; `total` is in bytes, where it is known. */
  constructor(report: Report, id: string, label: string, total?: number) {
    this.#report = report
    this.#id = id
    this.#total = total === undefined ? {} : { total }
    report({ type: 'task-started', task: id, label, ...this.#total })
  }

  /** `done` bytes so far; fewer than before when something starts again. */
  at(done: number): void {
    const now = Date.now()
    if (now - this.#told < BETWEEN_REPORTS && done !== this.#total.total) return
    this.#told = now
    this.#report({ type: 'task-progress', task: this.#id, done, ...this.#total })
  }

  /** Only the first call counts. */
  finish(outcome: string): void {
    if (this.#open) this.#report({ type: 'task-finished', task: this.#id, outcome })
    this.#open = false
  }
}
