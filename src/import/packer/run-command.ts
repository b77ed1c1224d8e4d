import type { DraftFields } from '../draft.ts'
import { joinTexts, knownText, partsOf, textOfPart } from '../text.ts'
import type { Text } from '../value.ts'
import type { Context } from './context.ts'
import type { Options } from './options.ts'
import { pairOf } from './run-environment.ts'

/** Options of `docker run` with a value that `run` steps have too, by their field. */
const FIELDS: ReadonlyMap<string, 'user' | 'workdir' | 'env' | 'network'> = new Map([
  ['-u', 'user'],
  ['--user', 'user'],
  ['-w', 'workdir'],
  ['--workdir', 'workdir'],
  ['-e', 'env'],
  ['--env', 'env'],
  ['--network', 'network'],
  ['--net', 'network'],
])
/** What Packer itself says, and what only concerns a container that waits. */
const USUAL =
  /^(-[dit]+|--detach|--interactive|--tty|--rm|--|\{\{\s*\.Image\s*\}\}|--entrypoint=.*|--name=.*|--hostname=.*)$/
const USUAL_WITH_VALUE = ['--entrypoint', '--name', '--hostname', '-h']

/** The fields of every `run` step that `run_command` of the docker builder asks for. */
export function readRunCommand(options: Options, { notes }: Context): DraftFields {
  const words = options.texts('run_command')
  const fields: Record<string, Text> = {}
  const env: Record<string, Text> = {}
  for (let at = 0; at < words.length; at++) {
    const { text, place } = words[at]!
    const { name, inline } = optionIn(text)
    const next = words[at + 1]?.text ?? ''
    const field = FIELDS.get(name)
    const isUsual = field === undefined && (USUAL.test(knownText(text) ?? '') || !name.startsWith('-'))
    const isValued = field !== undefined || USUAL_WITH_VALUE.includes(name) || (!isUsual && isOperand(next))
    if (inline === undefined && isValued) at++
    if (isUsual || USUAL_WITH_VALUE.includes(name)) continue
    if (field === undefined || !take(field, inline ?? next, { fields, env })) {
      const says = `\`${name}\` of \`run_command\` is left out.`
      notes.add('OB183', place, says, 'Look whether scripts need it.')
    } else notes.add('OB150', place, `\`${name}\` of \`run_command\``, `\`${field}\` of every \`run\` step.`)
  }
  return { ...(Object.keys(env).length === 0 ? {} : { env }), ...fields }
}

/** `--name=value` in two; else the word is the name. */
function optionIn(text: Text): { readonly name: string; readonly inline: Text | undefined } {
  const [first = '', ...others] = partsOf(text)
  const [, name, start] = /^(--[a-z-]+)=(.*)$/s.exec(typeof first === 'string' ? first : '') ?? []
  if (name === undefined) return { name: knownText(text) ?? '', inline: undefined }
  return { name, inline: joinTexts(start!, ...others.map(textOfPart)) }
}

function isOperand(text: Text): boolean {
  const known = knownText(text) ?? ''
  return known !== '' && !known.startsWith('-') && !USUAL.test(known)
}

/** @returns false for a name alone, which stands for a variable of whoever calls Packer */
function take(
  field: 'user' | 'workdir' | 'env' | 'network',
  value: Text,
  to: { readonly fields: Record<string, Text>; readonly env: Record<string, Text> },
): boolean {
  if (field === 'env') {
    const [first] = partsOf(value)
    if (typeof first !== 'string' || !first.includes('=')) return false
    const pair = pairOf(value)
    to.env[pair.name] = pair.value
  } else if (field !== 'network' || value === 'none') to.fields[field] = value
  return true
}
