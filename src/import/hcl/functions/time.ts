import { Fault, Unknowable } from '../../fault.ts'
import { asText } from '../convert.ts'
import type { FunctionTable, HclFunction } from './function.ts'

const unknown = (why: string): HclFunction => ({
  plain: () => {
    throw new Unknowable(why)
  },
})
const now = unknown('it is the time of each build, and the same spec is to give the same image')

export const timeFunctions: FunctionTable = {
  timestamp: now,
  legacy_isotime: now,
  legacy_strftime: now,
  isotime: now,
  uuidv4: unknown('it is another one in each build'),
  formatdate: { plain: ([format, time]) => formatDate(asText(format), parsed(asText(time))) },
  timeadd: { plain: ([time, duration]) => timeText(shifted(parsed(asText(time)), milliseconds(asText(duration)))) },
}

/** A time with the offset that it was written with. */
interface Moment {
  readonly utc: number
  readonly minutesEast: number
}

function parsed(text: string): Moment {
  const [, offset] = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(Z|[-+]\d\d:\d\d)$/.exec(text) ?? []
  const utc = Date.parse(text)
  if (offset === undefined || Number.isNaN(utc)) throw new Fault('the text is no time of RFC 3339')
  if (offset === 'Z') return { utc, minutesEast: 0 }
  const minutes = Number(offset.slice(1, 3)) * 60 + Number(offset.slice(4))
  return { utc, minutesEast: offset.startsWith('-') ? -minutes : minutes }
}

function shifted({ utc, minutesEast }: Moment, by: number): Moment {
  if (Math.abs(utc + by) > 8e15) throw new Fault('the time is too far away')
  return { utc: utc + by, minutesEast }
}

const UNIT_MS: Readonly<Record<string, number>> = { h: 3_600_000, m: 60_000, s: 1000, ms: 1 }

function milliseconds(text: string): number {
  if (!/^[-+]?(\d+(\.\d+)?(h|ms|m|s))+$/.test(text)) throw new Fault(`'${text}' is no duration`)
  const sum = [...text.matchAll(/(\d+(?:\.\d+)?)(h|ms|m|s)/g)].reduce(
    (all, [, amount, unit]) => all + Number(amount) * UNIT_MS[unit!]!,
    0,
  )
  return text.startsWith('-') ? -sum : sum
}

const timeText = (moment: Moment) => formatDate("YYYY-MM-DD'T'hh:mm:ssZ", moment)

const MONTHS = [
  'January',
  'February',
  'March',
  'April',
  'May',
  'June',
  'July',
  'August',
  'September',
  'October',
  'November',
  'December',
]
const DAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday']

/** formatdate() of cty: runs of one letter are verbs, other letters are literal in quotes only. */
function formatDate(format: string, moment: Moment): string {
  return format.replace(/'((?:[^']|'')*)'|([a-zA-Z])\2*/g, (all, literal, letter) => {
    if (letter === undefined) return literal === '' ? "'" : literal.replaceAll("''", "'")
    const text = verbText(all, moment)
    if (text === undefined) throw new Fault(`formatdate() has no verb '${all}'`)
    return text
  })
}

function verbText(verb: string, { utc, minutesEast }: Moment): string | undefined {
  const date = new Date(utc + minutesEast * 60_000)
  const [month, day, hours] = [date.getUTCMonth(), date.getUTCDay(), date.getUTCHours()]
  const two = (number: number) => String(number).padStart(2, '0')
  const texts: Readonly<Record<string, string>> = {
    YYYY: String(date.getUTCFullYear()).padStart(4, '0'),
    YY: two(date.getUTCFullYear() % 100),
    MMMM: MONTHS[month]!,
    MMM: MONTHS[month]!.slice(0, 3),
    MM: two(month + 1),
    M: String(month + 1),
    DD: two(date.getUTCDate()),
    D: String(date.getUTCDate()),
    EEEE: DAYS[day]!,
    EEE: DAYS[day]!.slice(0, 3),
    hh: two(hours),
    h: String(hours),
    HH: two(hours % 12 || 12),
    H: String(hours % 12 || 12),
    AA: hours < 12 ? 'AM' : 'PM',
    aa: hours < 12 ? 'am' : 'pm',
    mm: two(date.getUTCMinutes()),
    m: String(date.getUTCMinutes()),
    ss: two(date.getUTCSeconds()),
    s: String(date.getUTCSeconds()),
    ...zoneTexts(minutesEast),
  }
  return Object.hasOwn(texts, verb) ? texts[verb] : undefined
}

function zoneTexts(minutesEast: number): Readonly<Record<string, string>> {
  const [hours, minutes] = [Math.floor(Math.abs(minutesEast) / 60), Math.abs(minutesEast) % 60]
  const sign = minutesEast < 0 ? '-' : '+'
  const [h, m] = [String(hours).padStart(2, '0'), String(minutes).padStart(2, '0')]
  const utc = minutesEast === 0
  return {
    ZZZZZ: `${sign}${h}:${m}`,
    ZZZZ: `${sign}${h}${m}`,
    ZZZ: utc ? 'UTC' : `${sign}${h}${m}`,
    Z: utc ? 'Z' : `${sign}${h}:${m}`,
  }
}
