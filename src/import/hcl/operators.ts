import { Fault } from '../fault.ts'
import { asBoolean, asNumber, equal, type Plain } from './convert.ts'

const BINARY: Readonly<Record<string, (left: Plain, right: Plain) => Plain>> = {
  '==': equal,
  '!=': (left, right) => !equal(left, right),
  '&&': (left, right) => asBoolean(left) && asBoolean(right),
  '||': (left, right) => asBoolean(left) || asBoolean(right),
  '<': (left, right) => asNumber(left) < asNumber(right),
  '<=': (left, right) => asNumber(left) <= asNumber(right),
  '>': (left, right) => asNumber(left) > asNumber(right),
  '>=': (left, right) => asNumber(left) >= asNumber(right),
  '+': (left, right) => asNumber(left) + asNumber(right),
  '-': (left, right) => asNumber(left) - asNumber(right),
  '*': (left, right) => asNumber(left) * asNumber(right),
  '/': (left, right) => divided(asNumber(left), asNumber(right)),
  '%': (left, right) => asNumber(left) % nonZero(asNumber(right)),
}

/** What a binary operator makes of two values. @throws Fault */
export function binary(operator: string, left: Plain, right: Plain): Plain {
  const result = BINARY[operator]!(left, right)
  if (typeof result === 'number' && !Number.isFinite(result)) throw new Fault('the number is too large')
  return result
}

/** `-` or `!` of a value. @throws Fault */
export function unary(operator: string, operand: Plain): Plain {
  return operator === '-' ? 0 - asNumber(operand) : !asBoolean(operand)
}

const divided = (left: number, right: number) => left / nonZero(right)

function nonZero(number: number): number {
  if (number === 0) throw new Fault('a number is divided by zero')
  return number
}
