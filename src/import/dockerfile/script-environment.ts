import type { DraftFields, DraftValue } from '../draft.ts'
import { isSecretName } from '../secret-name.ts'
import type { Place } from '../value.ts'
import type { Expression } from './expression.ts'
import { noteWanted } from './note-wanted.ts'
import type { StageState } from './stage-state.ts'

export interface ScriptEnvironment {
  readonly env: DraftFields
  readonly secrets: readonly DraftFields[]
  /** A command that sets what the base's variables are part of; '' if there is none. */
  readonly exports: string
}

/** Proxies, which every script has from whoever builds. */
const PREDEFINED = /^(https?|ftp|no|all)_proxy$/i

/** The variables of ARG and ENV as a `run` step has them. */
export function scriptEnvironment(script: string, place: Place, { scope, context }: StageState): ScriptEnvironment {
  const env: Record<string, DraftValue> = {}
  const secrets: DraftFields[] = []
  const exports: string[] = []
  // Hidden variables, by what a script calls them.
  const named = new Map<string, string>()
  for (const [name, value] of scope.forScripts()) {
    if (PREDEFINED.test(name)) continue
    const isArg = !scope.environment.has(name)
    if (!/^[A-Za-z_]\w*$/.test(name)) {
      const says = `\`${name}\` is no name that a shell knows: scripts do not have it here.`
      context.notes.add('OB244', place, says, 'Write `env NAME=value` before the command that reads it.')
    } else if (isArg && isSecretName(name)) {
      if (!new RegExp(`\\b${name}\\b`).test(script)) continue
      secrets.push({ id: name.toLowerCase(), source: `env:${name}`, env: name })
      const advice = `A secret of the step, from ${name} in the environment of whoever builds; it stays out of the history.`
      context.notes.add('OB220', place, `\`ARG ${name}\` is a secret.`, advice)
      noteWanted(name.toLowerCase(), name, place, context.notes)
    } else if (typeof value === 'string') {
      env[name] = context.hidden.show(value)
      named.set(value, name)
    } else exports.push(`${name}=${doubleQuoted(value, named)}`)
  }
  return { env, secrets, exports: exports.length === 0 ? '' : `export ${exports.join(' ')}` }
}

function doubleQuoted(value: Expression, named: ReadonlyMap<string, string>): string {
  return `"${value.map((piece) => inDoubleQuotes(piece, named)).join('')}"`
}

/** What a variable of the spec has may be anything: the shell is told of it by its name, as far as it has one. */
function inDoubleQuotes(piece: Expression[number], named: ReadonlyMap<string, string>): string {
  if (typeof piece === 'string')
    return piece.replace(/[\\"$`]|[\u{100000}-\u{10fffd}]/gu, (sign) => {
      const variable = named.get(sign)
      return variable !== undefined ? `\${${variable}}` : /[\\"$`]/.test(sign) ? `\\${sign}` : sign
    })
  const { name, form, word = [] } = piece
  return form === undefined
    ? `\${${name}}`
    : `\${${name}${form}${word
        .map((inner) => inDoubleQuotes(inner, named))
        .join('')
        .replaceAll('}', '\\}')}}`
}
