import type { DraftFields } from '../draft.ts'
import { knownText } from '../text.ts'
import type { Context } from './context.ts'
import type { Options } from './options.ts'

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
  const fields: Record<string, string> = {}
  const env: Record<string, string> = {}
  for (let at = 0; at < words.length; at++) {
    const known = knownText(words[at]!.text) ?? ''
    const [, name = known, inline] = /^(--[a-z-]+)=(.*)$/s.exec(known) ?? []
    const value = inline ?? knownText(words[at + 1]?.text ?? '') ?? ''
    const field = FIELDS.get(name)
    if (USUAL_WITH_VALUE.includes(name) && inline === undefined) at++
    else if (field === undefined && !USUAL.test(known) && known.startsWith('-')) {
      const next = knownText(words[at + 1]?.text ?? '-') ?? '-'
      if (inline === undefined && !next.startsWith('-') && !USUAL.test(next)) at++
      notes.add(
        'OB183',
        words[at]!.place,
        `\`${known}\` of \`run_command\` is left out.`,
        'Look whether scripts need it.',
      )
    } else if (field !== undefined) {
      if (inline === undefined) at++
      if (field === 'env') env[value.split('=', 1)[0]!] = value.slice(value.indexOf('=') + 1)
      else if (field !== 'network') fields[field] = value
      else if (value === 'none') fields.network = value
      notes.add('OB150', words[at]!.place, `\`${name}\` of \`run_command\``, `\`${field}\` of every \`run\` step.`)
    }
  }
  return { ...(Object.keys(env).length === 0 ? {} : { env }), ...fields }
}
