import { describe, expect, it } from 'vitest'
import type { Event } from '../../src/events.ts'
import { jsonReport } from '../../src/report/json-report.ts'

const progress = (task: string, done: number) => ({ type: 'task-progress', task, done }) as const

/** What is written of events that come at certain milliseconds. */
function written(events: readonly (readonly [at: number, event: Event])[]): unknown[] {
  const lines: string[] = []
  let clock = 0
  const report = jsonReport(
    (text) => void lines.push(text),
    () => clock,
  )
  for (const [at, event] of events) {
    clock = at
    report(event)
  }
  return lines.map((line) => JSON.parse(line))
}

describe('jsonReport', () => {
  it('tells how far a task is ten times a second at most, and each task for itself', () => {
    const told = written([
      [0, progress('a', 1)],
      [99, progress('a', 2)],
      [99, progress('b', 3)],
      [100, progress('a', 4)],
      [199, progress('a', 5)],
    ])
    expect(told).toEqual([progress('a', 1), progress('b', 3), progress('a', 4)])
  })

  it('tells at once that all of a task is done', () => {
    const [first, second, last] = [1, 5, 10].map((done): Event => ({ ...progress('a', done), total: 10 }))
    expect(written([first!, second!, last!].map((event) => [0, event]))).toEqual([first, last])
  })

  it('tells everything else at once, and begins anew with a task that begins anew', () => {
    const started: Event = { type: 'task-started', task: 'a', label: 'a' }
    const finished: Event = { type: 'task-finished', task: 'a' }
    const events = [started, progress('a', 1), finished, started, progress('a', 2), finished]
    expect(written(events.map((event) => [0, event]))).toEqual(events)
  })
})
