import type { DraftFields, DraftValue } from '../draft.ts'
import { knownText } from '../text.ts'
import type { Place, Text } from '../value.ts'
import type { Context } from './context.ts'
import { noteFixed } from './note-fixed.ts'
import type { Options } from './options.ts'

export interface AnsibleVariables {
  /** What stays an argument. */
  readonly args: readonly DraftValue[]
  readonly vars: DraftFields
}

/** Variables that say how Ansible is to reach the container, which ocibake does by itself. */
const CONNECTION = /^ansible_(connection|host|port|user|ssh_.*|docker_.*|remote_tmp)$/

/** `extra_arguments`, of which `--extra-vars` of plain `name=value` become a map; variables stay variables there. */
export function extraVariables(options: Options, context: Context): AnsibleVariables {
  const { hidden, notes } = context
  const args: DraftValue[] = []
  const vars: Record<string, DraftValue> = {}
  const words = options.texts('extra_arguments')
  for (let at = 0; at < words.length; at++) {
    const { text, place } = words[at]!
    const [, option, inline] = /^(--extra-vars|-e)(?:[= ](.*)|$)/s.exec(hidden.hide(text)) ?? []
    const value = option === undefined ? undefined : inline === undefined ? words[at + 1]?.text : hidden.show(inline)
    const pairs = value === undefined ? undefined : pairsIn(value, place, context)
    if (pairs === undefined) {
      args.push(text)
      continue
    }
    if (inline === undefined) at++
    const needless = [...pairs.keys()].filter((name) => CONNECTION.test(name))
    for (const [name, one] of pairs) if (!CONNECTION.test(name)) vars[name] = one
    if (needless.length > 0) {
      const says = `${needless.join(', ')}: how to reach the container is not needed.`
      notes.add('OB156', place, says, 'The step has a connection of its own.')
    }
  }
  return { args, vars }
}

type Pairs = ReadonlyMap<string, Text>

/**
 * undefined for what stays an argument, with its variables. What stands in a variable as a whole, and would lead Ansible
 * to a container, cannot stay: it is taken as it is now.
 */
function pairsIn(value: Text, place: Place, { hidden, notes }: Context): Pairs | undefined {
  const text = hidden.hide(value)
  const pairs = hidden.isUnclear(text) ? undefined : pairsOf(text)
  if (pairs !== undefined) return new Map([...pairs].map(([name, one]) => [name, hidden.show(one)]))
  const fixed = pairsOf(knownText(value) ?? '')
  if (typeof value === 'string' || fixed === undefined || ![...fixed.keys()].some((name) => CONNECTION.test(name))) {
    return undefined
  }
  noteFixed(`--extra-vars ${hidden.describe(text)}`, place, notes)
  return fixed
}

/** Only words without anything that Ansible would take apart; a hidden variable has nothing of that either. */
function pairsOf(text: string): ReadonlyMap<string, string> | undefined {
  const words = text
    .replace(/^(['"])(.*)\1$/s, '$2')
    .trim()
    .split(/\s+/)
  const pairs = words.map((word) => /^([A-Za-z_]\w*)=([\w./:@%+,\u{100000}-\u{10fffd}-]*)$/u.exec(word))
  if (pairs.includes(null)) return undefined
  return new Map(pairs.map((pair) => [pair![1]!, pair![2]!]))
}
