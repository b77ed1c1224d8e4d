import { Fault } from '../../fault.ts'
import { asInteger, asNumber, asText, type Plain } from '../convert.ts'
import type { FunctionTable, HclFunction } from './function.ts'

const ofNumber = (make: (number: number) => number): HclFunction => ({
  plain: ([number]) => finite(make(asNumber(number))),
})

export const numberFunctions: FunctionTable = {
  abs: ofNumber(Math.abs),
  ceil: ofNumber(Math.ceil),
  floor: ofNumber(Math.floor),
  signum: ofNumber(Math.sign),
  log: { plain: ([number, base]) => finite(Math.log(asNumber(number)) / Math.log(asNumber(base))) },
  pow: { plain: ([number, power]) => finite(asNumber(number) ** asNumber(power)) },
  min: { plain: (values) => finite(Math.min(...values.map(asNumber))) },
  max: { plain: (values) => finite(Math.max(...values.map(asNumber))) },
  parseint: { plain: ([text, base]) => parsed(asText(text), asInteger(base)) },
}

function finite(number: number): number {
  if (!Number.isFinite(number)) throw new Fault('the result is no number')
  return number
}

const DIGITS = '0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ'

/** As big.Int's SetString: above base 36 capitals are digits of their own. */
function parsed(text: string, base: number): Plain {
  if (base < 2 || base > 62) throw new Fault(`${base} is no base`)
  const digits = [...(base <= 36 ? text.toLowerCase() : text).replace(/^[-+]/, '')].map((digit) =>
    DIGITS.indexOf(digit),
  )
  if (digits.length === 0 || digits.some((digit) => digit < 0 || digit >= base))
    throw new Fault(`the text is no number of base ${base}`)
  const number = finite(digits.reduce((sum, digit) => sum * base + digit, 0))
  return text.startsWith('-') ? 0 - number : number
}
