import { access, readFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import type { AnsibleStep } from './ansible-step.ts'

/** The part of a step that says which configuration holds. */
export type Configured = Pick<AnsibleStep, 'ansible' | 'env'>

/**
 * The ansible.cfg of a step: what its variable ANSIBLE_CONFIG names, else one beside its first playbook, else one beside
 * the spec. Those of the machine and of the user do not count. undefined: there is none.
 * @param folder absolute, that of the spec file; the step's paths are absolute
 */
export async function ansibleConfig({ ansible, env }: Configured, folder: string): Promise<string | undefined> {
  if (env?.ANSIBLE_CONFIG !== undefined) return resolve(folder, env.ANSIBLE_CONFIG)
  for (const place of [dirname([ansible].flat()[0]!), folder]) {
    const file = join(place, 'ansible.cfg')
    const isThere = await access(file).then(
      () => true,
      () => false,
    )
    if (isThere) return file
  }
  return undefined
}

/** The value of a setting in an ansible.cfg, with all its lines as one; undefined when it is not set. Pure. */
export function settingIn(text: string, section: string, name: string): string | undefined {
  let current = ''
  for (const [first = '', ...more] of unfolded(text)) {
    const header = /^\[(?<section>[^\]]+)\]/.exec(first)?.groups?.section
    if (header !== undefined) current = header.trim()
    const { key, value = '' } = /^(?<key>[^=:]*?)\s*[=:]\s*(?<value>.*)$/.exec(first)?.groups ?? {}
    if (current !== section || key?.toLowerCase() !== name) continue
    const lines = [value, ...more].map((line) => line.replace(/\s+;.*$/, '').trim())
    return lines.join(' ').trim()
  }
  return undefined
}

/** Lines that say something, each with those behind it that are indented, which go on with it. */
function unfolded(text: string): string[][] {
  const settings: string[][] = []
  for (const line of text.split(/\r?\n/)) {
    if (/^\s*([#;]|$)/.test(line)) continue
    if (/^\s/.test(line) && settings.length > 0) settings.at(-1)!.push(line)
    else settings.push([line])
  }
  return settings
}

/** The plugins that read inventories, ours among them; undefined where Ansible's own list holds, which has that one. */
export async function inventoryPlugins({ env }: Configured, config: string | undefined): Promise<string | undefined> {
  const text = config === undefined ? '' : await readFile(config, 'utf8')
  const list = env?.ANSIBLE_INVENTORY_ENABLED ?? settingIn(text, 'inventory', 'enable_plugins')
  if (list === undefined) return undefined
  const names = list.split(/[\s,]+/).filter((name) => name !== '')
  // First, since others would take a file for what it is not: it takes nothing that is not called .yml, .yaml or .json.
  return [...new Set(['yaml', ...names])].join(',')
}

/** The folders that a setting in an ansible.cfg lists, relative ones resolved; undefined when it is not set. */
export async function foldersIn(config: string | undefined, ...names: string[]): Promise<string[] | undefined> {
  if (config === undefined) return undefined
  const text = await readFile(config, 'utf8')
  const value = names.map((name) => settingIn(text, 'defaults', name)).find((one) => one !== undefined)
  return value
    ?.split(':')
    .filter((path) => path !== '')
    .map((path) => (/^[/~$]/.test(path) ? path : resolve(dirname(config), path)))
}

/** Settings of ansible.cfg that list folders of what playbooks are made of. */
const OF_PLAYBOOKS = [
  ...['roles_path', 'collections_path', 'collections_paths', 'library', 'module_utils'],
  ...['action', 'cache', 'callback', 'connection', 'filter', 'inventory', 'lookup', 'strategy', 'test', 'vars'].map(
    (kind) => `${kind}_plugins`,
  ),
]

/** The folders of the project that an ansible.cfg names, absolute; those of the user (`~/…`) are none of it. */
export async function projectFolders(config: string | undefined): Promise<string[]> {
  const lists = await Promise.all(OF_PLAYBOOKS.map((name) => foldersIn(config, name)))
  return lists.flatMap((folders) => folders ?? []).filter((folder) => folder.startsWith('/'))
}
