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
  for (const line of text.split(/\r?\n/)) {
    const header = /^\[(?<section>[^\]]+)\]/.exec(line)?.groups?.section
    if (header !== undefined) current = header.trim()
    const { key, value } = /^(?<key>[^\s#;=:][^=:]*?)\s*[=:]\s*(?<value>.*)$/.exec(line)?.groups ?? {}
    if (current === section && key?.toLowerCase() === name) return value!.replace(/\s+;.*$/, '').trim()
  }
  return undefined
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
