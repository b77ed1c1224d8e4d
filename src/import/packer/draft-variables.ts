import type { DraftVariable } from '../draft.ts'
import { isSecretName } from '../secret-name.ts'
import type { Template, Variable } from '../template.ts'
import { knownText } from '../text.ts'
import { isMixed, isUnknown, type Text } from '../value.ts'
import type { Notes } from './notes.ts'

/** What a spec has to know of the template's variables beside their values. */
export function draftVariables(
  { variables, format }: Template,
  env: Readonly<Record<string, string | undefined>>,
  notes: Notes,
): DraftVariable[] {
  return variables.map((variable) => {
    const { name, place, description, sensitive, default: fallback, env: from, value, isOfEnvironment } = variable
    const isSecret = sensitive || isSecretName(name)
    const isWritten = typeof fallback === 'string' && fallback !== '' && from === undefined
    if (isSecret && isWritten) {
      notes.add(
        'OB124',
        place,
        `\`${name}\` has a secret as its default.`,
        'Take it out, and change it where it is known.',
      )
    }
    const fromEnv = from !== undefined && typeof value === 'string' && value === env[from]
    const asked = from ?? (isSecret && format === 'hcl' ? `PKR_VAR_${name}` : undefined)
    const comment = description === undefined ? [] : [description]
    const written = fromEnv || (isSecret && fallback === '') ? { default: '' } : {}
    const made = isSecret ? undefined : madeOfOthers(variable)
    return {
      name,
      comment,
      ...(made === undefined ? {} : { made }),
      ...(asked === undefined ? {} : { env: asked }),
      ...(isSecret || fromEnv || isOfEnvironment ? { sensitive: true, ...written } : {}),
    }
  })
}

/** The default, if it has other variables in it and nothing else was given. */
function madeOfOthers({ default: made, value, env }: Variable): Text | undefined {
  if (!isMixed(made) || env !== undefined || made.parts.some(isUnknown)) return undefined
  return value === undefined || value === knownText(made) ? made : undefined
}
