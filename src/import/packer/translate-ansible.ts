import { basename, dirname } from 'node:path'
import type { DraftFields, DraftValue } from '../draft.ts'
import { knownText } from '../text.ts'
import type { Action } from './action.ts'
import { type AnsibleVariables, extraVariables } from './ansible-variables.ts'
import { type Context, localPath } from './context.ts'
import { filesBelow, textIn } from './files-below.ts'
import type { Options } from './options.ts'
import { pairOf } from './run-environment.ts'
import { todoStep } from './todo-step.ts'

/** Options about ssh and temporary files, of which there are none. */
const NEEDLESS = [
  ...['user', 'local_port', 'ssh_host_key_file', 'ssh_authorized_key_file', 'ansible_proxy_key_type', 'sftp_command'],
  ...[
    'use_sftp',
    'use_proxy',
    'keep_inventory_file',
    'ansible_ssh_extra_args',
    'ansible_proxy_host',
    'ansible_winrm_use_http',
  ],
  ...[
    'staging_directory',
    'clean_staging_directory',
    'skip_version_check',
    'version_check_timeout',
    'galaxy_force_install',
  ],
]

/** The steps of an `ansible` or `ansible-local` provisioner: the host's ansible-playbook, without ssh. */
export function translateAnsible(options: Options, defaults: DraftFields, context: Context): Action[] {
  const { notes } = context
  const { type, place } = options.block
  const playbooks = [...options.single('playbook_file'), ...options.texts('playbook_files')]
  if (playbooks.length === 0) {
    notes.add('OB183', place, `\`${type}\` has no \`playbook_file\`.`, 'Packer refuses it too.')
    return [todoStep(`TODO: the provisioner ${type} names no playbook.`, place)]
  }
  for (const name of NEEDLESS.filter((one) => options.has(one))) {
    notes.add('OB156', options.place(name), `\`${name}\` is not needed.`, 'The playbook reaches the image without ssh.')
  }
  if (type === 'ansible-local') {
    const says = 'Packer ran Ansible within the container, and left its files in /tmp.'
    notes.add('OB177', place, says, 'Here it runs from this machine, which needs it, and nothing of it stays.')
  }
  const says = 'Packer leaves what Ansible put into /root/.ansible in the image.'
  notes.add('OB133', place, says, 'Nothing of Ansible stays in an image of ocibake.')
  const variables = extraVariables(options, context)
  const fields = { ...commonFields(options, context), ...(defaults.user === undefined ? {} : { user: defaults.user }) }
  return playbooks.map(({ text, place: at }) => {
    const { path, written, onDisk: found, isFolder } = localPath(text, context)
    const onDisk = isFolder ? undefined : found
    if (onDisk === undefined) {
      notes.add('OB186', at, `There is no playbook '${written}' on this machine.`, 'Put it there.')
    } else notePlaybook(onDisk, written, context)
    takeFoldersBeside(options, written, context)
    notes.add('OB154', at, `The playbook '${written}'`, 'An `ansible` step.')
    const alias = type === 'ansible-local' ? { hostAlias: localAlias(onDisk) } : {}
    const step = { ansible: path, ...variableFields(variables, onDisk, context), ...alias, ...fields }
    return { kind: 'step', step: { step, comment: [], places: [at] } }
  })
}

/** What the container is called in an inventory of its own, and what playbooks for it say. */
function localAlias(playbook: string | undefined): string {
  const names127 = playbook !== undefined && /^\s*-?\s*hosts:\s*['"]?127\.0\.0\.1/m.test(textIn(playbook))
  return names127 ? '127.0.0.1' : 'localhost'
}

function variableFields(
  { args, vars }: AnsibleVariables,
  playbook: string | undefined,
  { builder }: Context,
): DraftFields {
  const all: DraftFields = { ...packerVariables(playbook, builder), ...vars }
  return {
    ...(args.length === 0 ? {} : { extraArgs: args }),
    ...(Object.keys(all).length === 0 ? {} : { extraVars: all }),
  }
}

/** What Packer tells every playbook, for those that ask. */
function packerVariables(playbook: string | undefined, { name, type }: Context['builder']): DraftFields {
  if (playbook === undefined) return {}
  const asks = (variable: string) =>
    filesBelow(dirname(playbook), /\.(ya?ml|j2|json)$/).some((file) => textIn(file).includes(variable))
  return {
    ...(asks('packer_build_name') ? { packer_build_name: name } : {}),
    ...(asks('packer_builder_type') ? { packer_builder_type: type } : {}),
  }
}

function commonFields(options: Options, context: Context): DraftFields {
  const one = (name: string) => {
    const text = options.text(name)
    return text === undefined ? undefined : localPath(text, context).path
  }
  const texts = (...names: string[]) => names.flatMap((name) => options.texts(name)).map(({ text }) => text)
  const paths = (...names: string[]): DraftValue | undefined => {
    const found = texts(...names).map((text) => localPath(text, context).path)
    return found.length > 1 ? found : found[0]
  }
  const listed = (found: DraftValue[]) => (found.length === 0 ? undefined : found)
  const alias = options.text('host_alias')
  const env = options.texts('ansible_env_vars').map(({ text }) => pairOf(text))
  const fields: { readonly [name: string]: DraftValue | undefined } = {
    groups: listed(texts('groups', 'inventory_groups')),
    emptyGroups: listed(texts('empty_groups')),
    hostAlias: alias === undefined || knownText(alias) === 'default' ? undefined : alias,
    inventoryDirectory: one('inventory_directory'),
    rolesPath: rolesPath(options, context) ?? paths('roles_path'),
    collectionsPath: paths('collections_path', 'collection_paths'),
    galaxy: one('galaxy_file'),
    env: env.length === 0 ? undefined : Object.fromEntries(env.map(({ name, value }) => [name, value])),
    timeout: options.text('timeout'),
  }
  return Object.fromEntries(
    Object.entries(fields).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  )
}

/** `role_paths` of ansible-local are roles; Ansible looks for them in the folders they are in. */
function rolesPath(options: Options, context: Context): DraftValue | undefined {
  const roles = options.texts('role_paths').map(({ text }) => localPath(text, context).path)
  const folders = roles.map((role) => (typeof role === 'string' ? dirname(role) : role))
  const unique = [...new Set(folders)]
  return unique.length > 1 ? unique : unique[0]
}

/** What stands beside the playbook is found there; other places stay a todo. */
function takeFoldersBeside(options: Options, playbook: string, context: Context): void {
  for (const name of ['playbook_dir', 'group_vars', 'host_vars']) {
    const { value, place } = options.block.attributes.get(name) ?? {}
    const written = typeof value === 'string' ? value.replace(/\/$/, '') : undefined
    const folder = name === 'playbook_dir' ? written : written === undefined ? undefined : dirname(written)
    const isBeside = folder === dirname(playbook) && (name === 'playbook_dir' || basename(written!) === name)
    if (!isBeside) continue
    options.value(name)
    context.notes.add('OB156', place!, `\`${name}\` is not needed.`, 'What is beside the playbook is found.')
  }
}

/** A pattern for a commented line that begins with a blank fits no line that a package has. */
function notePlaybook(path: string, written: string, { notes }: Context): void {
  for (const [index, line] of textIn(path).split('\n').entries()) {
    const [, pattern] = /\bregexp:\s*["']?(\^ +#[^"']*)/.exec(line) ?? []
    if (pattern === undefined) continue
    const says = `The pattern "${pattern.trim()}" asks for a blank before the #, which hardly a line has: the line is appended.`
    notes.add('OB132', { file: written, line: index + 1, column: 1 }, says, 'Write "^#? *…".')
  }
}
