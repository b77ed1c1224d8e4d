import type { DraftFields } from '../draft.ts'
import { isSecretName } from '../secret-name.ts'
import { isMixed, isReference, type Place } from '../value.ts'
import { Unreadable } from './expression.ts'
import { knownHidden } from './hidden-text.ts'
import type { StageState } from './stage-state.ts'

/** What the ENV instructions of a stage are in `config.env`, which expands its values once more. */
export function configEnv(state: StageState): DraftFields {
  const { scope, context, comments, stage } = state
  const pairs = scope.environment.entries().flatMap(([name, value]) => {
    const own = stage.instructions.find(({ keyword, rest }) => keyword === 'ENV' && rest.includes(name))
    const place = own?.place ?? stage.from.place
    if (!(value instanceof Unreadable)) return [[name, context.hidden.show(literal(value, place, state))] as const]
    comments.push(`TODO: ENV ${name}: ${value.message}.`)
    const says = `\`ENV ${name}\` is left out: ${value.message}.`
    context.notes.add('OB276', place, says, 'Write it in config.env.')
    return []
  })
  return Object.fromEntries(pairs)
}

/** A variable of the spec whose value has a dollar would be expanded itself: it is written as it is now. */
function literal(text: string, place: Place, state: StageState): string {
  return text.replace(/[\u{100000}-\u{10fffd}]/gu, (sign) => {
    const shown = state.context.hidden.show(sign)
    const part = isMixed(shown) ? shown.parts[0] : undefined
    const known = knownHidden(sign, state)
    if (!isReference(part) || isSecretName(part.variable) || known?.includes('$') !== true) return sign
    const says = `\`${part.variable}\` has a dollar in it, and is in config.env what it is now: --var ${part.variable}=… will not change it.`
    state.context.notes.add('OB248', place, says, `Import again with --var ${part.variable}=… for another.`)
    return known.replaceAll('$', '\\$')
  })
}
