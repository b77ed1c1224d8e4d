import { checkLength } from '../../check-length.ts'
import { Fault } from '../../fault.ts'
import { joinTexts } from '../../text.ts'
import { isMixed, isText, type Text, type Value } from '../../value.ts'
import { asBoolean, asNumber, asText, numberText, type Plain } from '../convert.ts'

const VERB = /%(%|([-+ #0]*)(\d+)?(?:\.(\d+))?(?:\[(\d+)\])?([a-zA-Z]))/g
/** Wider is no text for people. */
const WIDEST = 10_000

/** format() of cty: the verbs of Go's fmt that Packer takes. @throws Fault */
export function format([spec, ...values]: readonly Plain[]): Plain {
  const verbs = asText(spec).split('%').length
  checkLength(
    verbs * values.reduce<number>((most, value) => Math.max(most, typeof value === 'string' ? value.length : 0), 0),
  )
  let next = 0
  return asText(spec).replace(VERB, (all, percent, flags = '', width, precision, index, verb) => {
    if (percent === '%') return '%'
    if (index !== undefined) next = Number(index) - 1
    const value = values[next]
    if (value === undefined) throw new Fault(`format() has no value for '${all}'`)
    next += 1
    const text = formatted(verb, value, precision === undefined ? undefined : Number(precision), flags)
    return padded(text, width === undefined ? 0 : Number(width), flags, verb)
  })
}

/** The text with variables in it, when they are only put in as they are. */
export function formatSymbolic([spec, ...values]: readonly Value[]): Text | undefined {
  if (typeof spec !== 'string' || !values.every(isText) || !values.some(isMixed)) return undefined
  const pieces = spec.split(/(%[%sv])/)
  if (pieces.some((piece, index) => index % 2 === 0 && piece.includes('%'))) return undefined
  if (pieces.filter((piece) => /^%[sv]$/.test(piece)).length !== values.length) return undefined
  let next = 0
  return joinTexts(
    ...pieces.map((piece, index) => {
      if (index % 2 === 0) return piece
      return piece === '%%' ? '%' : values[next++]!
    }),
  )
}

function formatted(verb: string, value: Plain, precision: number | undefined, flags: string): string {
  const sign = (text: string) => (flags.includes('+') && !text.startsWith('-') ? `+${text}` : text)
  switch (verb) {
    case 's':
      return cut(asText(value), precision)
    case 'v':
      return typeof value === 'object' ? JSON.stringify(value) : asText(value)
    case 'q':
      return JSON.stringify(asText(value))
    case 't':
      return String(asBoolean(value))
    case 'd':
      return sign(numberText(Math.trunc(asNumber(value))))
    case 'b':
    case 'o':
      return sign(Math.trunc(asNumber(value)).toString(verb === 'b' ? 2 : 8))
    case 'x':
    case 'X': {
      const text =
        typeof value === 'number' ? Math.trunc(value).toString(16) : Buffer.from(asText(value)).toString('hex')
      return verb === 'X' ? text.toUpperCase() : text
    }
    case 'e':
    case 'E':
    case 'f':
    case 'g':
    case 'G':
      return sign(decimal(verb, asNumber(value), precision))
    default:
      throw new Fault(`format() has no verb '%${verb}'`)
  }
}

function cut(text: string, precision: number | undefined): string {
  return precision === undefined ? text : [...text].slice(0, precision).join('')
}

function decimal(verb: string, number: number, precision: number | undefined): string {
  if (precision !== undefined && precision > 100) throw new Fault('format() is asked for more than 100 digits')
  if (verb === 'f') return number.toFixed(precision ?? 6)
  if (verb === 'g' || verb === 'G')
    return precision === undefined ? numberText(number) : String(Number(number.toPrecision(Math.max(1, precision))))
  const text = number.toExponential(precision ?? 6).replace(/e([+-])(\d)$/, 'e$10$2')
  return verb === 'E' ? text.toUpperCase() : text
}

function padded(text: string, width: number, flags: string, verb: string): string {
  if (width > WIDEST) throw new Fault(`format() is asked for ${width} columns`)
  if (flags.includes('-')) return text.padEnd(width)
  if (!flags.includes('0') || /[svq]/.test(verb)) return text.padStart(width)
  const sign = /^[+-]/.exec(text)?.[0] ?? ''
  return sign + text.slice(sign.length).padStart(width - sign.length, '0')
}
