import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { StallWatch } from '../../src/build/stall-watch.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

const { signal } = new AbortController()

it('ends what has not moved, and only while it is waited for', () => {
  const watch = new StallWatch(signal, 1000, 'the registry')
  vi.advanceTimersByTime(900)
  watch.moved()
  vi.advanceTimersByTime(900)
  watch.rest()
  vi.advanceTimersByTime(9000)
  expect(watch.signal.aborted).toBe(false)
  watch.moved()
  vi.advanceTimersByTime(1000)
  expect(watch.signal.reason).toMatchObject({
    code: 'REGISTRY_UNREACHABLE',
    message: 'the registry did nothing for 1 seconds.',
  })
})

it('waits for nothing once it is disposed of, whatever still moves', () => {
  const watch = new StallWatch(signal, 1000, 'the registry')
  watch[Symbol.dispose]()
  watch.moved()
  expect(vi.getTimerCount()).toBe(0)
})
