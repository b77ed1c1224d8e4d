import type { DraftFields, DraftValue } from '../draft.ts'
import { knownText } from '../text.ts'
import type { Context } from './context.ts'
import type { Options } from './options.ts'

export interface AnsibleVariables {
  /** What stays an argument. */
  readonly args: readonly DraftValue[]
  readonly vars: DraftFields
}

/** Variables that say how Ansible is to reach the container, which ocibake does by itself. */
const CONNECTION = /^ansible_(connection|host|port|user|ssh_.*|docker_.*|remote_tmp)$/

/** `extra_arguments`, of which `--extra-vars` of plain `name=value` become a map. */
export function extraVariables(options: Options, { notes }: Context): AnsibleVariables {
  const args: DraftValue[] = []
  const vars: Record<string, DraftValue> = {}
  const words = options.texts('extra_arguments')
  for (let at = 0; at < words.length; at++) {
    const { text, place } = words[at]!
    const [, inline] = /^(?:--extra-vars|-e)(?:[= ](.*))?$/s.exec(knownText(text) ?? '') ?? [undefined, undefined]
    const isOption = /^(--extra-vars|-e)([= ]|$)/.test(knownText(text) ?? '')
    const value = isOption ? (inline ?? knownText(words[at + 1]?.text ?? '')) : undefined
    const pairs = value === undefined ? undefined : pairsOf(value)
    if (pairs === undefined) {
      args.push(text)
      continue
    }
    if (inline === undefined) at++
    const needless = Object.keys(pairs).filter((name) => CONNECTION.test(name))
    for (const [name, one] of Object.entries(pairs)) if (!CONNECTION.test(name)) vars[name] = one
    if (needless.length > 0) {
      const says = `${needless.join(', ')}: how to reach the container is not needed.`
      notes.add('OB156', place, says, 'The step has a connection of its own.')
    }
  }
  return { args, vars }
}

/** Only words without anything that Ansible would take apart. */
function pairsOf(text: string): Record<string, string> | undefined {
  const words = text
    .replace(/^(['"])(.*)\1$/s, '$2')
    .trim()
    .split(/\s+/)
  const pairs = words.map((word) => /^([A-Za-z_]\w*)=([\w./:@%+,-]*)$/.exec(word))
  if (pairs.includes(null)) return undefined
  return Object.fromEntries(pairs.map((pair) => [pair![1]!, pair![2]!]))
}
