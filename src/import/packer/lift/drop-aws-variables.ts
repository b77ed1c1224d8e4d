import type { DraftFields, DraftValue } from '../../draft.ts'
import type { Action, ScriptAction } from '../action.ts'
import type { Notes } from '../notes.ts'
import type { Item } from './item.ts'
import { kept } from './paths.ts'

const AWS = /^AWS_(ACCESS_KEY_ID|SECRET_ACCESS_KEY|SESSION_TOKEN|DEFAULT_REGION|REGION|PROFILE)$/

/** Scripts that only had keys of AWS for what is lifted have none any more. */
export function dropAwsVariables(actions: readonly Action[], items: readonly Item[], notes: Notes): Action[] {
  const isLifted = items.some(({ outcome }) => typeof outcome === 'object' && isS3(outcome.step))
  const isUsed = items
    .filter(kept)
    .some(({ text, words }) => /\b(aws|s5cmd)\b|AWS_|boto/i.test(text) || (words === undefined && text === ''))
  if (!isLifted || isUsed) return [...actions]
  return actions.map((action) => (action.kind === 'script' ? withoutKeys(action, notes) : action))
}

const isS3 = (step: DraftFields | undefined) => typeof step?.unpack === 'string' && step.unpack.startsWith('s3:')

function withoutKeys(script: ScriptAction, notes: Notes): ScriptAction {
  const { env, secrets, ...others } = script.options
  const variables = Object.entries((env ?? {}) as DraftFields).filter(([name]) => !AWS.test(name))
  const values = ((secrets ?? []) as readonly { readonly env: DraftValue }[]).filter(
    (one) => !AWS.test(String(one.env)),
  )
  const before = Object.keys((env ?? {}) as DraftFields).length + ((secrets ?? []) as readonly DraftValue[]).length
  if (variables.length + values.length === before) return script
  notes.add(
    'OB162',
    script.place,
    'Keys of AWS in the environment of a script',
    'Not needed: those of whoever builds are used. A program that still wants them gets them by `secrets`.',
  )
  const options = {
    ...(variables.length === 0 ? {} : { env: Object.fromEntries(variables) }),
    ...others,
    ...(values.length === 0 ? {} : { secrets: values as readonly DraftValue[] }),
  }
  return { ...script, options }
}
