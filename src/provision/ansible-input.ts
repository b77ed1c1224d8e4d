import { existsSync, statSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { silent } from '../events.ts'
import { type Digest, digestOf } from '../oci/digest.ts'
import { ansibleConfig, projectFolders } from './ansible-config.ts'
import { ansibleVersion, type VersionTools } from './ansible-programs.ts'
import type { AnsibleStep } from './ansible-step.ts'
import { hashSource } from './hash-source.ts'
import { type HostSourceOptions, hostSource } from './host-source.ts'
import { FileMemory } from './known-files.ts'

/** What Ansible, editors and git leave beside playbooks, and no playbook is made of. */
const NEVER = ['.git/', '__pycache__/', '*.pyc', '*.retry']
/** Options of ansible-playbook whose files are secrets: another password alone is no reason to do it all again. */
const SECRET_OPTIONS =
  /^--vault-(password|pass)-file(=|$)|^--vault-id(=|$)|^--(become|connection|conn)-pass(word)?-file(=|$)/

/** As of FingerprintTools. */
export interface AnsibleInputTools extends VersionTools, HostSourceOptions {
  readonly name: string
  readonly folder: string
  readonly trust: boolean
  readonly signal: AbortSignal
}

/** As of Fingerprint. */
export interface AnsibleInput {
  readonly text: unknown
  readonly input: Digest
  readonly change: string | undefined
  isStill(): Promise<boolean>
}

/**
 * What decides what playbooks make of a tree: the step's text, Ansible's version, and all files of the playbooks' folders,
 * of the folders that the step and ansible.cfg name, and of the files that arguments name. What a playbook finds
 * elsewhere is not seen: variables of the machine, ~/.ansible, addresses. Paths of the step are absolute.
 * @throws COPY_NOT_FOUND for a playbook or folder that is not there; PATH_INVALID; FILE_CHANGED
 */
export async function ansibleInput(step: AnsibleStep, tools: AnsibleInputTools): Promise<AnsibleInput> {
  const inputs: [place: string, digest: string][] = []
  let first: string | undefined
  for (const path of await sourcesOf(step, tools.folder)) {
    const place = relative(tools.folder, path)
    const source = hostSource({ copy: path, exclude: NEVER, mode: 'keep' }, tools)
    const memory = new FileMemory(tools.store, `${tools.name} ${path}`)
    const { digest, change } = await hashSource(source, { memory, trust: tools.trust, signal: tools.signal })
    inputs.push([place, digest])
    if (change !== undefined) first ??= join(source?.kind === 'file' ? dirname(place) : place, change)
  }
  const text = { ...textOf(step, tools.folder), version: await ansibleVersion(tools) }
  const input = digestOf(JSON.stringify(inputs))
  const isStill = async () => (await ansibleInput(step, { ...tools, report: silent })).input === input
  return { text, input, change: first, isStill }
}

/** Absolute paths, none below another. */
async function sourcesOf(step: AnsibleStep, folder: string): Promise<string[]> {
  const { rolesPath = [], collectionsPath = [], galaxy, inventoryDirectory, extraArgs = [] } = step
  const playbooks = [step.ansible].flat()
  const config = await ansibleConfig(step, folder)
  const folders = ['ANSIBLE_ROLES_PATH', 'ANSIBLE_COLLECTIONS_PATH'].flatMap(
    (name) => step.env?.[name]?.split(':') ?? [],
  )
  const configured = [...(await projectFolders(config)), ...folders.map((path) => resolve(folder, path))]
  const named = [...playbooks, rolesPath, collectionsPath, galaxy, inventoryDirectory, config]
  const all = [
    ...playbooks.map((playbook) => dirname(playbook)),
    ...named.flat(),
    ...configured.filter((path) => existsSync(path)),
    ...filesIn(extraArgs, folder),
  ]
  const paths = [...new Set(all.filter((path) => path !== undefined))]
  return paths.filter((path) => !existsSync(path) || !paths.some((other) => path.startsWith(`${other}/`)))
}

/** Files that arguments name: `@vars.yml`, `--extra-vars=@vars.yml`, `hosts.ini`. */
function filesIn(args: readonly string[], folder: string): string[] {
  const open = args.filter((arg, i) => !SECRET_OPTIONS.test(arg) && !SECRET_OPTIONS.test(args[i - 1] ?? ''))
  const paths = open.map((arg) => resolve(folder, arg.replace(/^--[\w-]+=/, '').replace(/^@/, '')))
  return paths.filter((path) => statSync(path, { throwIfNoEntry: false })?.isFile() === true)
}

/** No path of this machine, no value of a secret, and nothing that decides only whether it succeeds. */
function textOf(step: AnsibleStep, folder: string): Record<string, unknown> {
  const { timeout: _, secrets = [], cache: __, ...text } = step
  const here = (paths: string | readonly string[]) => [paths].flat().map((path) => relative(folder, path))
  const { rolesPath = [], collectionsPath = [], galaxy = [], inventoryDirectory = [] } = step
  const places = { galaxy, inventoryDirectory, rolesPath, collectionsPath, ansible: step.ansible }
  return {
    ...text,
    ...Object.fromEntries(Object.entries(places).map(([name, paths]) => [name, here(paths)])),
    network: step.network ?? 'host',
    secrets: secrets.map(({ id, env }) => ({ id, env })),
  }
}
