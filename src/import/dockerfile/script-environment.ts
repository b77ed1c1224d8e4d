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

const HIDDEN = /[\u{100000}-\u{10fffd}]/u

/** The variables of ARG and ENV as a `run` step has them. */
export function scriptEnvironment(script: string, place: Place, { scope, context }: StageState): ScriptEnvironment {
  const env: Record<string, DraftValue> = {}
  const secrets: DraftFields[] = []
  const exports: string[] = []
  // Hidden variables, by what a script calls them.
  const named = new Map<string, string>()
  const values = scope.forScripts().filter(([name]) => !PREDEFINED.test(name))
  // What is in `env` is set before the export: a value would see it where it means the base's.
  const ofBase = new Set(values.flatMap(([, value]) => (typeof value === 'string' ? [] : namesIn(value))))
  for (const [name, value] of values) {
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
    } else if (typeof value === 'string' && (!ofBase.has(name) || HIDDEN.test(value))) {
      const given = ofBase.has(name) ? `OCIBAKE_${name}` : name
      env[given] = context.hidden.show(value)
      named.set(value, given)
      if (given !== name) exports.push(`${name}="\${${given}}"`)
    } else exports.push(`${name}=${doubleQuoted(typeof value === 'string' ? [value] : value, named)}`)
  }
  return { env, secrets, exports: exports.length === 0 ? '' : `export ${exports.join(' ')}` }
}

/** The variables of the base that a value refers to. */
function namesIn(value: Expression): string[] {
  return value.flatMap((piece) => (typeof piece === 'string' ? [] : [piece.name, ...namesIn(piece.word ?? [])]))
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
