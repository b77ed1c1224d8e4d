// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the syntax of specs is under test
import { describe, expect, it } from 'vitest'
import { scratchConfig } from '../../src/oci/config.ts'
import { type ConfigChanges, configure } from '../../src/oci/configure.ts'
import { nanoseconds } from '../../src/oci/duration.ts'
import { DEFAULT_PATH } from '../../src/oci/environment.ts'
import type { RunConfig } from '../../src/oci/run-config.ts'

const PLATFORM = { os: 'linux', architecture: 'amd64' }

function change(base: RunConfig, changes: ConfigChanges): RunConfig {
  return configure({ ...scratchConfig(PLATFORM), config: base }, changes).config ?? {}
}

describe('env', () => {
  it.each<[title: string, base: readonly string[] | undefined, env: Record<string, string>, want: readonly string[]]>([
    ['replaces in place and appends', ['A=1', 'B=2'], { B: '3', C: '4', A: '5' }, ['A=5', 'B=3', 'C=4']],
    ['sees the base', ['PATH=/bin'], { PATH: '/x:$PATH' }, ['PATH=/x:/bin']],
    ['sees the keys before it', undefined, { A: '1', B: '${A}2', C: '$B$D', D: 'x' }, ['A=1', 'B=12', 'C=12', 'D=x']],
    ['takes the default path where there is none', undefined, { PATH: '/x:$PATH' }, [`PATH=/x:${DEFAULT_PATH}`]],
    ['keeps an empty path empty', ['PATH='], { PATH: '/x:$PATH' }, ['PATH=/x:']],
    ['makes one of a name that is there twice', ['A=1', 'B=2', 'A=3'], { A: '[$A]' }, ['A=[3]', 'B=2']],
    ['keeps what has no equals sign', ['ODD'], { A: '1' }, ['ODD', 'A=1']],
    ['keeps equals signs in values', ['A=b=c'], { B: '$A=d' }, ['A=b=c', 'B=b=c=d']],
  ])('%s', (_, base, env, want) => {
    expect(change(base === undefined ? {} : { Env: base }, { env }).Env).toEqual(want)
  })

  it.each(['', 'A=B', 'A\0'])('refuses the name %j', (name) => {
    expect(() => change({}, { env: { [name]: 'x' } })).toThrow(expect.objectContaining({ code: 'SPEC_INVALID' }))
  })
})

describe('entrypoint and cmd', () => {
  const base = { Entrypoint: ['/e'], Cmd: ['c'] }
  it.each<[title: string, base: RunConfig, changes: ConfigChanges, want: RunConfig]>([
    ['nothing given: both stay', base, {}, base],
    ['an entrypoint alone clears the cmd', base, { entrypoint: ['/n'] }, { Entrypoint: ['/n'] }],
    [
      'an entrypoint with keepCmd does not',
      base,
      { entrypoint: ['/n'], keepCmd: true },
      { Entrypoint: ['/n'], Cmd: ['c'] },
    ],
    ['both are set', base, { entrypoint: ['/n'], cmd: ['d', 'e'] }, { Entrypoint: ['/n'], Cmd: ['d', 'e'] }],
    ['a cmd alone keeps the entrypoint', base, { cmd: ['d'] }, { Entrypoint: ['/e'], Cmd: ['d'] }],
    ['an unset entrypoint keeps the cmd', base, { unset: { entrypoint: true } }, { Cmd: ['c'] }],
    ['an unset cmd keeps the entrypoint', base, { unset: { cmd: true } }, { Entrypoint: ['/e'] }],
    ['an empty list is none', base, { cmd: [] }, { Entrypoint: ['/e'] }],
    ["[''] is none", { Entrypoint: [''], Cmd: ['sh'] }, {}, { Cmd: ['sh'] }],
    ['a text is for the shell', {}, { cmd: 'a "b" $C' }, { Cmd: ['/bin/sh', '-c', 'a "b" $C'] }],
    [
      "a text is for the base's shell",
      { Shell: ['/bin/bash', '-c'] },
      { entrypoint: 'a' },
      { Shell: ['/bin/bash', '-c'], Entrypoint: ['/bin/bash', '-c', 'a'] },
    ],
    [
      'a text is for the new shell',
      { Shell: ['/x'] },
      { shell: ['/y', '-c'], cmd: 'a' },
      { Shell: ['/y', '-c'], Cmd: ['/y', '-c', 'a'] },
    ],
    ['variables are left to the shell', {}, { env: { A: '1' }, cmd: ['$A'] }, { Env: ['A=1'], Cmd: ['$A'] }],
  ])('%s', (_, from, changes, want) => {
    expect(change(from, changes)).toEqual(want)
  })
})

describe('the other fields', () => {
  it.each<[title: string, base: RunConfig, changes: ConfigChanges, want: RunConfig]>([
    [
      'ports',
      { ExposedPorts: { '80/tcp': {} } },
      { expose: [11211, '53/udp', '8000-8002', '80', '9/SCTP'] },
      {
        ExposedPorts: {
          '80/tcp': {},
          '11211/tcp': {},
          '53/udp': {},
          '8000/tcp': {},
          '8001/tcp': {},
          '8002/tcp': {},
          '9/sctp': {},
        },
      },
    ],
    [
      'a port that the base has without a protocol',
      { ExposedPorts: { '80': {} } },
      { expose: [80] },
      { ExposedPorts: { '80': {} } },
    ],
    [
      'unset ports',
      { ExposedPorts: { '80': {}, '81/tcp': {}, '81/udp': {} } },
      { unset: { expose: [80, 81] } },
      { ExposedPorts: { '81/udp': {} } },
    ],
    ['a user that is a number', {}, { user: 65100 }, { User: '65100' }],
    ['a user with a group', { User: 'x' }, { user: '1001:0' }, { User: '1001:0' }],
    ['an absolute workdir', { WorkingDir: '/a' }, { workdir: '/b/../c/' }, { WorkingDir: '/c' }],
    ['a relative workdir', { WorkingDir: '/a' }, { workdir: 'b' }, { WorkingDir: '/a/b' }],
    [
      'labels',
      { Labels: { a: '1', b: '2' } },
      { labels: { b: '3', c: '4' }, unset: { labels: ['a'] } },
      { Labels: { b: '3', c: '4' } },
    ],
    [
      'volumes',
      { Volumes: { '/a': {} } },
      { volumes: ['/b', '/b'], unset: { volumes: ['/a'] } },
      { Volumes: { '/b': {} } },
    ],
    ['a stop signal', {}, { stopSignal: 'SIGRTMIN+3' }, { StopSignal: 'SIGRTMIN+3' }],
    ['a stop signal that is a number', {}, { stopSignal: 9 }, { StopSignal: '9' }],
    [
      'unset env before env is set',
      { Env: ['A=1', 'B=2'] },
      { unset: { env: ['A'] }, env: { C: '[$A$B]' } },
      { Env: ['B=2', 'C=[2]'] },
    ],
    ['unset of what is not there', {}, { unset: { env: ['A'], user: true, cmd: true } }, {}],
    [
      'maps that became empty',
      { Labels: { a: '1' }, Volumes: { '/a': {} } },
      { unset: { labels: ['a'], volumes: ['/a'] } },
      {},
    ],
    [
      'everything unset',
      { User: 'u', WorkingDir: '/', StopSignal: '9', Healthcheck: {}, OnBuild: ['RUN x'], Shell: ['s'] },
      { unset: { user: true, workdir: true, stopSignal: true, healthcheck: true, onbuild: true, shell: true } },
      {},
    ],
    [
      'a healthcheck by argv',
      {},
      { healthcheck: { cmd: ['/c', 'x'], interval: '1m30s', timeout: 2.5, startPeriod: '500ms', retries: 3 } },
      {
        Healthcheck: {
          Test: ['CMD', '/c', 'x'],
          Interval: 90_000_000_000,
          Timeout: 2_500_000_000,
          StartPeriod: 500_000_000,
          Retries: 3,
        },
      },
    ],
    [
      'a healthcheck by text',
      { Healthcheck: { Test: ['CMD', 'x'], Retries: 9 } },
      { healthcheck: { cmd: 'c | d' } },
      { Healthcheck: { Test: ['CMD-SHELL', 'c | d'] } },
    ],
    [
      "a healthcheck in Docker's form",
      {},
      { healthcheck: { test: ['CMD', 'x'], startInterval: '1s' } },
      { Healthcheck: { Test: ['CMD', 'x'], StartInterval: 1e9 } },
    ],
    [
      'no healthcheck',
      { Healthcheck: { Test: ['CMD', 'x'] } },
      { healthcheck: 'none' },
      { Healthcheck: { Test: ['NONE'] } },
    ],
  ])('%s', (_, base, changes, want) => {
    expect(change(base, changes)).toEqual(want)
  })

  it.each<[title: string, changes: ConfigChanges]>([
    ['port 0', { expose: [0] }],
    ['port 65536', { expose: [65536] }],
    ['a fraction as port', { expose: [80.5] }],
    ['a range that goes down', { expose: ['9-8'] }],
    ['an unknown protocol', { expose: ['80/icmp'] }],
    ['a host port', { expose: ['127.0.0.1:80:80'] }],
    ['an empty user', { user: '' }],
    ['a user with a space', { user: 'a b' }],
    ['an empty workdir', { workdir: '' }],
    ['a relative volume', { volumes: ['data'] }],
    ['an empty label', { labels: { '': 'x' } }],
    ['a signal that is none', { stopSignal: 'term!' }],
    ['an empty text as cmd', { cmd: '' }],
    ['NUL in an argument', { entrypoint: ['a\0b'] }],
    ['a healthcheck without a command', { healthcheck: { interval: '1s' } }],
    ['a healthcheck with two commands', { healthcheck: { cmd: 'a', test: ['CMD', 'a'] } }],
    ['a healthcheck of an unknown form', { healthcheck: { test: ['curl', 'x'] } }],
    ['retries below zero', { healthcheck: { cmd: 'a', retries: -1 } }],
  ])('refuse %s', (_, changes) => {
    expect(() => change({}, changes)).toThrow(expect.objectContaining({ code: 'SPEC_INVALID' }))
  })

  it('drop what was true of the container that the base was committed from, and keep the rest', () => {
    const base = {
      ...scratchConfig(PLATFORM),
      author: 'a',
      container_config: { Cmd: ['x'] },
      docker_version: '1',
      odd: 1,
    }
    const config = { Hostname: 'abc', Image: 'sha256:x', ArgsEscaped: true, User: 'u' }
    const { rootfs } = base
    expect(configure({ ...base, config }, { author: 'b' })).toEqual({
      ...PLATFORM,
      rootfs,
      author: 'b',
      odd: 1,
      config: { ArgsEscaped: true, User: 'u' },
    })
    expect(configure({ ...base, config }, { unset: { author: true } })).not.toHaveProperty('author')
  })

  it('leave the base as it was', () => {
    const base = { ...scratchConfig(PLATFORM), config: { Env: ['A=1'], Labels: { a: '1' } } }
    const before = structuredClone(base)
    configure(base, { env: { A: '2' }, labels: { a: '2' }, cmd: ['x'], unset: { labels: ['a'] } })
    expect(base).toEqual(before)
  })
})

describe('durations', () => {
  it.each([
    [30, 30e9],
    [0, 0],
    ['0', 0],
    ['1h', 3600e9],
    ['1h2m3s4ms', 3_723_004_000_000],
    ['1.5s', 1.5e9],
    ['1000us', 1e6],
  ])('%j is %i ns', (duration, want) => {
    expect(nanoseconds(duration, 'x')).toBe(want)
  })

  it.each(['', '30', '1 s', 's', '-1s', '1d', '1s ', '999us', '9999999h', Number.NaN, -1])('refuses %j', (duration) => {
    expect(() => nanoseconds(duration, 'x')).toThrow(expect.objectContaining({ code: 'SPEC_INVALID' }))
  })
})
