import type { DraftFields, DraftValue } from '../draft.ts'
import { knownText } from '../text.ts'
import type { Text } from '../value.ts'
import type { Action } from './action.ts'
import { type Context, localPath } from './context.ts'
import type { Options } from './options.ts'
import { todoStep } from './todo-step.ts'

/** Options about ssh and temporary files, of which there are none. */
const NEEDLESS = [
  ...['user', 'host_alias', 'local_port', 'ssh_host_key_file', 'ssh_authorized_key_file', 'ansible_proxy_key_type'],
  ...['sftp_command', 'use_sftp', 'use_proxy', 'keep_inventory_file', 'ansible_ssh_extra_args', 'ansible_proxy_host'],
  ...[
    'ansible_winrm_use_http',
    'staging_directory',
    'clean_staging_directory',
    'skip_version_check',
    'version_check_timeout',
  ],
]

/** The step of an `ansible` or `ansible-local` provisioner: the host's ansible-playbook, without ssh. */
export function translateAnsible(options: Options, context: Context): Action[] {
  const { notes } = context
  const { type, place } = options.block
  const playbooks = [...options.texts('playbook_file'), ...options.texts('playbook_files')]
  if (playbooks.length === 0) {
    notes.add('OB183', place, `\`${type}\` has no \`playbook_file\`.`, 'Packer refuses it too.')
    return [todoStep(`TODO: the provisioner ${type} names no playbook.`, place)]
  }
  for (const name of NEEDLESS.filter((one) => options.has(one))) {
    notes.add('OB156', options.place(name), `\`${name}\` is not needed.`, 'The playbook reaches the image without ssh.')
  }
  if (type === 'ansible-local') {
    notes.add(
      'OB177',
      place,
      'Packer ran Ansible within the container, and left its files in /tmp.',
      'Here it runs from this machine, and nothing of it stays.',
    )
  }
  const says = 'Packer leaves what Ansible put into /root/.ansible in the image.'
  notes.add('OB133', place, says, 'Nothing of Ansible stays in an image of ocibake.')
  const fields = commonFields(options, context)
  return playbooks.map(({ text, place: at }) => {
    const { path, written, onDisk } = localPath(text, context)
    if (onDisk === undefined)
      notes.add('OB186', at, `There is no playbook '${written}' on this machine.`, 'Put it there.')
    notes.add('OB154', at, `The playbook '${written}'`, 'An `ansible` step.')
    return { kind: 'step', step: { step: { ansible: path, ...fields }, comment: [], places: [at] } }
  })
}

function commonFields(options: Options, context: Context): DraftFields {
  const local = (text: Text) => localPath(text, context).path
  const one = (name: string) => {
    const text = options.text(name)
    return text === undefined ? undefined : local(text)
  }
  const { args, vars } = splitExtra(options, context)
  const rolesPath = one('roles_path')
  const galaxy = one('galaxy_file')
  const groups = [...options.texts('groups'), ...options.texts('inventory_groups')].map(({ text }) => text)
  return {
    ...(args.length === 0 ? {} : { extraArgs: args }),
    ...(Object.keys(vars).length === 0 ? {} : { extraVars: vars }),
    ...(groups.length === 0 ? {} : { groups }),
    ...(rolesPath === undefined ? {} : { rolesPath }),
    ...(galaxy === undefined ? {} : { galaxy }),
  }
}

/** `--extra-vars` of plain `name=value` become a map; everything else stays an argument. */
function splitExtra(options: Options, context: Context): { args: DraftValue[]; vars: DraftFields } {
  const args: DraftValue[] = []
  const vars: Record<string, DraftValue> = {}
  const words = options.texts('extra_arguments').map(({ text }) => text)
  for (let at = 0; at < words.length; at++) {
    const known = knownText(words[at]!) ?? ''
    const inline = /^(?:--extra-vars|-e)[= ]?(.*)$/.exec(known)
    const value = inline === null ? undefined : inline[1] === '' ? knownText(words[at + 1] ?? '') : inline[1]
    const pairs = value === undefined || words[at] === undefined ? undefined : pairsOf(value)
    if (pairs === undefined) args.push(words[at]!)
    else {
      Object.assign(vars, withoutConnection(pairs, options, context))
      if (inline![1] === '') at++
    }
  }
  return { args, vars }
}

/** Variables that say how Ansible is to reach the container, which ocibake does by itself. */
function withoutConnection(
  pairs: Record<string, string>,
  options: Options,
  { notes }: Context,
): Record<string, string> {
  const isConnection = (name: string) => /^ansible_(connection|host|port|user|ssh_.*|docker_.*|remote_tmp)$/.test(name)
  const names = Object.keys(pairs).filter(isConnection)
  if (names.length > 0) {
    const place = options.place('extra_arguments')
    notes.add(
      'OB156',
      place,
      `${names.join(', ')}: how to reach the container is not needed.`,
      'The step has a connection of its own.',
    )
  }
  return Object.fromEntries(Object.entries(pairs).filter(([name]) => !isConnection(name)))
}

/** Only words without anything that Ansible would take apart. */
function pairsOf(text: string): Record<string, string> | undefined {
  const words = text
    .replace(/^(['"])(.*)\1$/, '$2')
    .trim()
    .split(/\s+/)
  const pairs = words.map((word) => /^([A-Za-z_]\w*)=([\w./:@%+,-]*)$/.exec(word))
  if (pairs.includes(null)) return undefined
  return Object.fromEntries(pairs.map((pair) => [pair![1]!, pair![2]!]))
}
