import { cachedDataVersionTag, setFlagsFromString } from 'node:v8'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'

/** Of a process in which nothing was set yet. */
type Settings = typeof import('../../src/cli/small-heap.ts')

let settings: Settings
let usual = 0

beforeEach(async () => {
  vi.useFakeTimers()
  vi.resetModules()
  usual = cachedDataVersionTag()
  settings = await import('../../src/cli/small-heap.ts')
})

afterEach(() => {
  settings.usualHeap()
  vi.useRealTimers()
})

/** By which V8 tells its settings apart. */
function tagOf(set: (settings: Settings) => void): number {
  set(settings)
  return cachedDataVersionTag()
}

describe('setForLayer', () => {
  it('puts off what V8 would optimise while a layer is written, and only for a while', () => {
    const writing = tagOf(({ setForLayer }) => setForLayer('write'))
    vi.advanceTimersByTime(10_000)
    const later = cachedDataVersionTag()
    expect(later).not.toBe(writing)
    expect(later).toBe(tagOf(({ smallHeap }) => smallHeap()))
    expect(later).not.toBe(usual)
  })

  it('puts nothing off where a base has to be fetched, or where there is much to do', () => {
    const fetching = tagOf(({ setForLayer }) => setForLayer('fetch'))
    expect(tagOf(({ setForLayer }) => setForLayer('write'))).toBe(fetching)
    expect(fetching).toBe(tagOf(({ smallHeap }) => smallHeap()))
  })

  it.each(['fetch', 'write'] as const)('compiles as if nothing had been set, and sets it again (%s)', (will) => {
    const before = tagOf(({ setForLayer }) => setForLayer(will))
    const inside = settings.withUsualHeap(() => cachedDataVersionTag())
    expect(inside).toBe(usual)
    expect(cachedDataVersionTag()).toBe(before)
  })

  it.each(['fetch', 'write'] as const)(
    'is undone by the other file of the package that has this code (%s)',
    async (will) => {
      vi.resetModules()
      const other: Settings = await import('../../src/cli/small-heap.ts')
      expect(other).not.toBe(settings)
      const before = tagOf(({ setForLayer }) => setForLayer(will))
      expect(other.withUsualHeap(() => cachedDataVersionTag())).toBe(usual)
      expect(cachedDataVersionTag()).toBe(before)
      vi.advanceTimersByTime(10_000)
      expect(cachedDataVersionTag()).toBe(tagOf(({ smallHeap }) => smallHeap()))
    },
  )

  it.each(['maglev', 'turbofan'])('leaves %s off where it was off before', (compiler) => {
    setFlagsFromString(`--no-${compiler}`)
    try {
      const without = cachedDataVersionTag()
      expect(without).not.toBe(usual)
      settings.setForLayer('write')
      vi.advanceTimersByTime(10_000)
      settings.usualHeap()
      expect(cachedDataVersionTag()).toBe(without)
    } finally {
      setFlagsFromString(`--${compiler}`)
    }
  })
})
