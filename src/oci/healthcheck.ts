import { OcibakeError } from '../errors.ts'
import { type Duration, nanoseconds } from './duration.ts'
import type { Healthcheck } from './run-config.ts'

/** How a container is asked whether it is well: `cmd`, or `test` in Docker's own form. */
export interface HealthcheckChange {
  /** A list is the argv, a text is for the image's shell. */
  readonly cmd?: readonly string[] | string
  /** ['CMD', ...argv] | ['CMD-SHELL', text] | ['NONE']. */
  readonly test?: readonly string[]
  readonly interval?: Duration
  readonly timeout?: Duration
  readonly startPeriod?: Duration
  readonly startInterval?: Duration
  readonly retries?: number
}

/** The config's form of a healthcheck; 'none' turns off what a base has. @throws SPEC_INVALID */
export function healthcheckOf(change: HealthcheckChange | 'none'): Healthcheck {
  if (change === 'none') return { Test: ['NONE'] }
  const { retries } = change
  if (retries !== undefined && !(Number.isSafeInteger(retries) && retries >= 0)) {
    throw new OcibakeError(
      'SPEC_INVALID',
      `config.healthcheck.retries is ${retries}; wanted a whole number, 0 or more.`,
    )
  }
  return {
    Test: testOf(change),
    ...time('Interval', 'interval', change.interval),
    ...time('Timeout', 'timeout', change.timeout),
    ...time('StartPeriod', 'startPeriod', change.startPeriod),
    ...time('StartInterval', 'startInterval', change.startInterval),
    ...(retries === undefined ? {} : { Retries: retries }),
  }
}

function testOf({ cmd, test }: HealthcheckChange): readonly string[] {
  const isKnown =
    test === undefined ||
    (test[0] === 'NONE' && test.length === 1) ||
    (test[0] === 'CMD' && test.length > 1) ||
    (test[0] === 'CMD-SHELL' && test.length === 2)
  if ((cmd === undefined) === (test === undefined) || !isKnown || cmd?.length === 0) {
    throw new OcibakeError('SPEC_INVALID', 'config.healthcheck has no command; wanted either `cmd` or `test`.', {
      hint: "For example: { cmd: ['/usr/bin/curl', '-f', 'http://localhost/'], interval: '30s' }",
    })
  }
  if (test !== undefined) return test
  return typeof cmd === 'string' ? ['CMD-SHELL', cmd] : ['CMD', ...cmd!]
}

function time(field: string, name: string, duration: Duration | undefined): Record<string, number> {
  return duration === undefined ? {} : { [field]: nanoseconds(duration, `config.healthcheck.${name}`) }
}
