import { Fault } from '../fault.ts'
import { joinTexts } from '../text.ts'
import { isText, isUnknown, Mixed, type Text, type Unknown } from '../value.ts'
import { asBoolean, asText, kindOf } from './convert.ts'
import { type Loop, rounds } from './evaluate-for.ts'
import type { Scope } from './scope.ts'
import type { Expression, TemplatePart } from './syntax.ts'

/** What stands in a text for an expression that cannot be there. */
type Failing = (expression: Expression, fault: Fault) => Unknown

/** The text that a template makes; its variables stay. @throws Fault, Unknowable */
export function textOf(parts: readonly TemplatePart[], loop: Loop, scope: Scope, failing: Failing): Text {
  return joinTexts(...texts(parts, loop, scope, failing))
}

function texts(parts: readonly TemplatePart[], loop: Loop, scope: Scope, failing: Failing): readonly Text[] {
  return parts.flatMap((part): readonly Text[] => {
    if (typeof part === 'string') return [part]
    if (part.kind === 'interpolation') return [asPart(part.value, loop, scope, failing)]
    if (part.kind === 'loop') {
      return rounds(part, loop, scope).flatMap((round) => texts(part.parts, loop, round, failing))
    }
    return texts(asBoolean(loop.plain(part.condition, scope)) ? part.yes : part.no, loop, scope, failing)
  })
}

function asPart(expression: Expression, loop: Loop, scope: Scope, failing: Failing): Text {
  const value = loop.value(expression, scope)
  if (isText(value)) return value
  if (isUnknown(value)) return new Mixed([value])
  if (typeof value === 'number' || typeof value === 'boolean') return asText(value)
  return new Mixed([failing(expression, new Fault(`${kindOf(value)} stands where text is expected`))])
}
