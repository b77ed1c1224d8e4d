import { OcibakeError } from '../errors.ts'

/** Seconds, or a text as Go's time.ParseDuration reads it: `'1m30s'`, `'500ms'`. */
export type Duration = number | string

const NANOSECONDS: ReadonlyMap<string, number> = new Map([
  ['ns', 1],
  ['us', 1e3],
  ['ms', 1e6],
  ['s', 1e9],
  ['m', 60e9],
  ['h', 3600e9],
])

/** Whole nanoseconds, as Docker's config has times. `what` names the field. @throws SPEC_INVALID also below a millisecond */
export function nanoseconds(duration: Duration, what: string): number {
  const text = typeof duration === 'number' ? `${duration}s` : duration
  const parts = [...text.matchAll(/([0-9]+(?:\.[0-9]+)?)(ns|us|ms|s|m|h)/g)]
  const isWhole = parts.length > 0 && parts.map((part) => part[0]).join('') === text
  const total = Math.round(parts.reduce((sum, part) => sum + Number(part[1]) * NANOSECONDS.get(part[2]!)!, 0))
  if (text === '0' || (isWhole && total === 0)) return 0
  if (isWhole && total >= 1e6 && Number.isSafeInteger(total)) return total
  const got = text.slice(0, 40).replace(/[^\x20-\x7e]/g, '?')
  throw new OcibakeError('SPEC_INVALID', `${what} is '${got}'; wanted seconds or a duration of 1ms to 2400h.`, {
    hint: "For example: 30, '1m30s', '500ms'",
  })
}
