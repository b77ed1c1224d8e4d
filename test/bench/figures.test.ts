import { describe, expect, it } from 'vitest'
import { checkEntries } from '../../bench/check-image.ts'
import { floorOf } from '../../bench/floor.ts'
import { parseTime } from '../../bench/measure.ts'
import { parseOptions } from '../../bench/options.ts'
import { scriptTimes } from '../../bench/sandboxes.ts'
import { sharesOf } from '../../bench/shares.ts'
import { median } from '../../bench/statistics.ts'
import { resultTables } from '../../bench/tables.ts'
import { summaries, type TimedBuild } from '../../bench/timed-build.ts'
import { type Start, VARIANTS, type Variant, variantsNamed } from '../../bench/variants.ts'
import { verdictOn } from '../../bench/verdict.ts'

const RUN: TimedBuild = {
  ...{ variant: 'assemble', builder: 'ocibake', start: 'warm', size: 60e6 },
  ...{ seconds: 1, cpuSeconds: 2, peakMiB: 100, load: 0.5 },
}
const [ASSEMBLE, SCRIPT] = VARIANTS
const APPEND = VARIANTS.find(({ name }) => name === 'append')!

describe('the figures of the bench', () => {
  it.each([
    [[3, 1, 2], 2],
    [[10, 1, 2, 3], 2.5],
    [[7], 7],
    [[], Number.NaN],
  ])('have %j in the middle at %d', (values, middle) => {
    expect(median(values)).toBe(middle)
  })

  it("read GNU time's line, behind what it says of a failure", () => {
    expect(parseTime('Command exited with non-zero status 1\n1.50 0.25 2048\n')).toEqual({
      cpuSeconds: 1.75,
      peakMiB: 2,
    })
  })

  it('are medians of the runs of the same kind, and the highest of their peaks', () => {
    const times = [3, 1, 2].map((seconds) => ({ ...RUN, seconds, peakMiB: seconds * 10 }))
    const other: TimedBuild = { ...RUN, start: 'cold', seconds: 9 }
    const [first, second, ...rest] = summaries([...times, other])
    expect(first).toMatchObject({ start: 'warm', runs: 3, seconds: 2, fastest: 1, slowest: 3, peakMiB: 30 })
    expect(second).toMatchObject({ start: 'cold', runs: 1, seconds: 9 })
    expect(rest).toEqual([])
  })

  it('compare with the fastest other builder, and nothing changed with its warm build', () => {
    const peers = [4, 3].map((seconds, at): TimedBuild => ({ ...RUN, builder: `peer-${at}`, seconds, cpuSeconds: 5 }))
    const all = summaries([{ ...RUN, seconds: 0.5 }, { ...RUN, start: 'nothing', seconds: 0.3 }, ...peers])
    const warm = verdictOn(ASSEMBLE!, 'warm', all)
    expect(warm).toMatchObject({ ratio: 6, goal: '6x', reached: true, rival: { builder: 'peer-1' } })
    expect(verdictOn(ASSEMBLE!, 'nothing', all)).toMatchObject({ goal: '12x', reached: false })
    expect(verdictOn(ASSEMBLE!, 'nothing', all).ratio).toBeCloseTo(10)
    expect(verdictOn(ASSEMBLE!, 'cold', all)).toEqual({ goal: '1.8x' })
  })

  it('compare with seconds where the goal is in seconds', () => {
    const of = (seconds: number) => verdictOn(APPEND, 'warm', summaries([{ ...RUN, variant: 'append', seconds }]))
    expect(of(0.4)).toEqual({ goal: '0.4 s', reached: true })
    expect(of(0.41)).toEqual({ goal: '0.4 s', reached: false })
  })

  it('stand in a table, with where the time went below it', () => {
    const shares = { start: 0.1, layer: 0.895, close: 0.005 }
    const text = resultTables([
      { ...RUN, shares },
      { ...RUN, builder: 'umoci', seconds: 2 },
    ])
    expect(text).toMatch(/^\| assemble \| warm +\| ocibake +\| +1\.00 \|.* 2\.00x \| +1\.00x \| +6x \| missed +\|/m)
    expect(text).toMatch(/^\| assemble \| warm +\| layer 90%, start 10% +\|$/m)
  })
})

describe('where the time of a build goes', () => {
  const line = (seconds: number, event: object) => ({ seconds, text: JSON.stringify(event) })
  const lines = [
    line(1, { type: 'build-started' }),
    line(2, { type: 'base-resolved' }),
    { seconds: 2.5, text: 'no event' },
    line(3, { type: 'task-started', task: 'pull a', label: 'a' }),
    line(4, { type: 'task-started', task: 'layer', label: 'writing' }),
    line(6, { type: 'task-finished', task: 'pull a' }),
    line(7, { type: 'task-finished', task: 'layer' }),
    line(8, { type: 'image-built' }),
    line(10, { type: 'pushed' }),
  ]

  it('is told by its events; what overlaps shares', () => {
    expect(sharesOf(lines, 11)).toEqual({
      ...{ start: 1, 'resolve base': 1, 'read base': 2, pull: 2, layer: 2, push: 2, close: 1 },
    })
  })

  it('is all of it', () => {
    const sum = Object.values(sharesOf(lines, 11)).reduce((a, b) => a + b, 0)
    expect(sum).toBeCloseTo(11)
  })
})

describe('the times of a script', () => {
  it('are what it says, in seconds, and those of its step', () => {
    const events = [
      { type: 'output', step: 2, line: 'bench fork 1500000000' },
      { type: 'output', step: 2, line: 'bench of others' },
      { type: 'step-finished', step: 1, milliseconds: 7 },
      { type: 'step-finished', step: 2, milliseconds: 2500 },
    ]
    const text = events.map((event) => JSON.stringify(event)).join('\n')
    expect([...scriptTimes(`${text}\nwarning: x`)]).toEqual([
      ['fork', 1.5],
      ['step', 2.5],
    ])
  })
})

describe('the options of the bench', () => {
  it('take parts, variants and peers in the order in which they are measured', () => {
    const options = parseOptions(['start', 'limits', '--only', 'big,assemble', '--peers', 'umoci', '--runs', '5'])
    expect(options.parts).toEqual(['limits', 'start'])
    expect(options.variants.map(({ name }) => name)).toEqual(['assemble', 'big'])
    expect(options).toMatchObject({ peers: ['umoci'], runs: 5 })
  })

  it('leave what needs a network or an hour to those who ask for it', () => {
    const { parts, variants } = parseOptions([])
    expect(parts).not.toContain('memory')
    expect(variants.map(({ name }) => name)).not.toContain('apt')
  })

  it.each([['everything'], ['--only', 'nope'], ['--peers', 'docker'], ['--runs', '0'], ['--fast']])(
    'are refused when they are wrong: %s %s',
    (...argv) => {
      expect(() => parseOptions(argv)).toThrow()
    },
  )
})

describe('an image of the bench', () => {
  const file = (path: string, owner = '65100/65100') => `-rw-r--r-- ${owner} 12 2023-07-22 04:26 ${path}`
  const good = [
    ...['memcached/bin/memcached', 'scripts/memcached/entrypoint.sh', 'scripts/lib/fs.sh'].map((path) =>
      file(`opt/coredge/${path}`),
    ),
    file('usr/bin/bash', '0/0'),
  ]
  const of =
    (entries: readonly string[], name = 'assemble') =>
    () =>
      checkEntries(entries, variantsNamed([name])[0]!)

  it('is right when it has what was asked for', () => {
    expect(of(good)).not.toThrow()
    expect(of([...good, file('usr/bin/nc.openbsd', '0/0')], SCRIPT!.name)).not.toThrow()
  })

  it.each([
    ['a file is missing', good.slice(1), 'assemble'],
    ['the owner is another', [file('opt/coredge/memcached/bin/memcached', '0/0'), ...good.slice(1)], 'assemble'],
    ['the wildcards let too much in', [...good, file('opt/coredge/docs/decoy.bin')], 'assemble'],
    ['the base is missing', good.slice(0, 3), 'assemble'],
    ['the script has not run', good, 'script'],
    ['the script left its packages', [...good, file('usr/bin/nc.openbsd'), file('tmp/debs/a.deb')], 'script'],
  ])('is wrong when %s', (_, entries, name) => {
    expect(of(entries, name)).toThrow()
  })
})

describe('the floor of a build', () => {
  const limits = {
    ...{ sha256: 1000, inflate: 200, deflate: 50, unpack: 400, upload: 100, download: 500 },
    nodeStart: 0.05,
  }
  const sizes = { base: 200e6, basePacked: 50e6, object: 0, objectPacked: 0, layer: 50e6 }
  const of = (variant: Variant, start: Start, cores = 1) => floorOf(variant, start, sizes, limits, cores)

  it('is what has to be done, one after the other on one core', () => {
    // Hash of the tar, hash of the blob, upload.
    expect(of(ASSEMBLE!, 'warm')).toBeCloseTo(0.05 + 0.2 + 0.05 + 0.5)
    // And download, two hashes to verify, inflate.
    expect(of(ASSEMBLE!, 'cold')).toBeCloseTo(0.8 + 0.1 + 0.25 + 1)
    expect(of(SCRIPT!, 'cold') - of(ASSEMBLE!, 'cold')).toBeCloseTo(0.5)
    expect(of(ASSEMBLE!, 'nothing')).toBe(0.05)
  })

  it('is not below the one upload, however many cores there are', () => {
    expect(of(ASSEMBLE!, 'warm', 64)).toBeCloseTo(0.55)
    expect(of(ASSEMBLE!, 'cold', 2)).toBeCloseTo(0.05 + 2.1 / 2)
  })

  it('of an appended layer knows nothing of the base', () => {
    expect(of(APPEND, 'cold')).toBe(0.05)
  })
})
