import { existsSync } from 'node:fs'
import { mkdir, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { OcibakeError } from '../errors.ts'
import { ansibleConfig, foldersIn, inventoryPlugins } from './ansible-config.ts'
import { ownPlugins } from './ansible-programs.ts'
import type { AnsibleStep } from './ansible-step.ts'
import type { BuildFacts } from './step.ts'

/** What Ansible calls the image where the spec does not. */
const HOST = 'default'

/** In the image while playbooks are performed: Ansible's own temporary files. */
export const SCRATCH = '/tmp/.ocibake-ansible'

/** Where Ansible looks for roles and collections of its own accord. */
const USUAL_ROLES = ['~/.ansible/roles', '/usr/share/ansible/roles', '/etc/ansible/roles']
const USUAL_COLLECTIONS = ['~/.ansible/collections', '/usr/share/ansible/collections']

/** What Ansible's programs are given for one step. */
export interface AnsibleWorkspace {
  /** Arguments of ansible-playbook. */
  readonly playArgs: readonly string[]
  /** Arguments of ansible-galaxy; none when the step needs nothing of it. */
  readonly galaxyArgs: readonly string[] | undefined
  /** The whole environment of either. */
  readonly env: Readonly<Record<string, string>>
  /** Where the connection finds the agent. */
  readonly socket: string
  /** Lines of JSON: what happened (ansible/callback). */
  readonly events: string
  readonly host: string
}

/**
 * Makes in `folder`, which is private and goes afterwards, all that Ansible reads of ours, and all places that it writes
 * to: neither the user's ~/.ansible nor the spec's folder is one. @param secrets variables
 * @throws PATH_INVALID for a folder of roles or collections with a colon in its path
 */
export async function makeWorkspace(
  step: AnsibleStep,
  folder: string,
  build: Pick<BuildFacts, 'folder' | 'env' | 'proxyEnv'>,
  secrets: Readonly<Record<string, string>>,
): Promise<AnsibleWorkspace> {
  const { extraVars, extraArgs = [], galaxy, hostAlias = HOST } = step
  refuseColons(step)
  const inventory = await writeInventory(step, folder, hostAlias)
  const [socket, events, variables] = [join(folder, 'socket'), join(folder, 'events'), join(folder, 'vars.json')]
  for (const name of ['home', 'tmp', 'roles', 'collections']) await mkdir(join(folder, name))
  await writeFile(events, '')
  if (extraVars !== undefined) await writeFile(variables, JSON.stringify(extraVars), { mode: 0o600 })
  const given = extraVars === undefined ? [] : ['--extra-vars', `@${variables}`]
  return {
    playArgs: ['--inventory', inventory, ...given, ...extraArgs, ...[step.ansible].flat()],
    galaxyArgs: galaxy === undefined ? undefined : ['install', '-r', galaxy],
    env: {
      ...usualEnvironment(build, join(folder, 'home')),
      ...step.env,
      ...secrets,
      ...(await places(step, folder, build.folder)),
      OCIBAKE_SOCKET: socket,
      OCIBAKE_EVENTS: events,
    },
    socket,
    events,
    host: hostAlias,
  }
}

/** Ansible separates folders by colons, and knows no way to write one in a name. */
function refuseColons({ rolesPath = [], collectionsPath = [] }: AnsibleStep): void {
  const path = [rolesPath, collectionsPath].flat().find((one) => one.includes(':'))
  if (path === undefined) return
  throw new OcibakeError(
    'PATH_INVALID',
    `The folder '${path}' has a colon in its path, at which Ansible would split it.`,
    {
      hint: 'Give the folder, or the one that it is in, a name without a colon.',
    },
  )
}

/** JSON is YAML. The image's own variables are stronger than keywords of plays and group_vars: `connection: ssh`. */
async function writeInventory(step: AnsibleStep, folder: string, host: string): Promise<string> {
  const { user = 'root', groups = [], emptyGroups = [], inventoryDirectory } = step
  const inventory = join(folder, 'inventory')
  await mkdir(inventory)
  const variables = { ansible_connection: 'ocibake', ansible_become_method: 'ocibake', ansible_user: user }
  const children = {
    ...Object.fromEntries(emptyGroups.map((group) => [group, {}])),
    ...Object.fromEntries(groups.map((group) => [group, { hosts: { [host]: {} } }])),
  }
  const file = join(inventory, 'hosts.yml')
  await writeFile(file, JSON.stringify({ all: { hosts: { [host]: variables }, children } }))
  if (inventoryDirectory === undefined) return file
  for (const name of ['group_vars', 'host_vars']) {
    const place = join(inventoryDirectory, name)
    if (existsSync(place)) await symlink(place, join(inventory, name))
  }
  return file
}

/** What a step may say otherwise. The same zone everywhere, for templates that print times. */
function usualEnvironment(
  { env, proxyEnv }: Pick<BuildFacts, 'env' | 'proxyEnv'>,
  home: string,
): Record<string, string> {
  const { PATH, HOME = home } = env
  return {
    ...(PATH === undefined ? {} : { PATH }),
    HOME,
    LC_ALL: 'C.UTF-8',
    TZ: 'UTC',
    ANSIBLE_NOCOLOR: '1',
    ANSIBLE_NOCOWS: '1',
    ...proxyEnv,
  }
}

/** Where Ansible reads and writes, which no step and no ansible.cfg changes. */
async function places(step: AnsibleStep, folder: string, specFolder: string): Promise<Record<string, string>> {
  const config = await ansibleConfig(step, specFolder)
  const own = { config: join(folder, 'ansible.cfg'), tmp: join(folder, 'tmp') }
  if (config === undefined) await writeFile(own.config, '')
  const inventory = await inventoryPlugins(step, config)
  const installed = (name: string) => (step.galaxy === undefined ? [] : [join(folder, name)])
  const set = (name: string) => step.env?.[name]?.split(':')
  const [roles, collections, callbacks] = [
    [step.rolesPath ?? set('ANSIBLE_ROLES_PATH') ?? (await foldersIn(config, 'roles_path')) ?? USUAL_ROLES].flat(),
    set('ANSIBLE_COLLECTIONS_PATH') ??
      (await foldersIn(config, 'collections_path', 'collections_paths')) ??
      USUAL_COLLECTIONS,
    set('ANSIBLE_CALLBACK_PLUGINS') ?? (await foldersIn(config, 'callback_plugins')) ?? [],
  ]
  return {
    ANSIBLE_CONFIG: config ?? own.config,
    ...(inventory === undefined ? {} : { ANSIBLE_INVENTORY_ENABLED: inventory }),
    ANSIBLE_HOME: join(folder, 'home'),
    ANSIBLE_LOCAL_TEMP: own.tmp,
    TMPDIR: own.tmp,
    ANSIBLE_REMOTE_TEMP: SCRATCH,
    ANSIBLE_REMOTE_TMP: SCRATCH,
    ANSIBLE_SYSTEM_TMPDIRS: SCRATCH,
    ANSIBLE_ASYNC_DIR: `${SCRATCH}/async`,
    ANSIBLE_ROLES_PATH: [...installed('roles'), ...roles].join(':'),
    ANSIBLE_COLLECTIONS_PATH: [
      ...installed('collections'),
      ...[step.collectionsPath ?? []].flat(),
      ...collections,
    ].join(':'),
    ANSIBLE_CONNECTION_PLUGINS: ownPlugins('connection'),
    ANSIBLE_BECOME_PLUGINS: ownPlugins('become'),
    ANSIBLE_CALLBACK_PLUGINS: [ownPlugins('callback'), ...callbacks].join(':'),
    ANSIBLE_PIPELINING: '1',
    ANSIBLE_CACHE_PLUGIN: 'memory',
    ANSIBLE_RETRY_FILES_ENABLED: '0',
    ANSIBLE_LOG_PATH: join(folder, 'log'),
    PYTHONDONTWRITEBYTECODE: '1',
    PYTHONUNBUFFERED: '1',
  }
}
