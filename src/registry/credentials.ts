import { join } from 'node:path'
import { OcibakeError } from '../errors.ts'
import type { Asking } from './asking.ts'
import { environmentCredentials } from './credential-env.ts'
import {
  type CredentialFile,
  type Credentials,
  entryCredentials,
  parseCredentialRoot,
  parseCredentials,
  readCredentialFile,
} from './credential-file.ts'
import { askHelper } from './credential-helper.ts'
import { ecrCredentials } from './ecr.ts'
import { AUTH_FILES, type HelpersLookup, helpersLookup } from './registries-conf.ts'

/**
 * Finds the credentials for a repository of a registry (both as in a Reference), or undefined: then one goes on
 * anonymously. Without `asking`, nobody is asked by the network.
 * @throws CREDENTIALS_UNREADABLE, CREDENTIAL_HELPER_FAILED; REGISTRY_* from whoever was asked
 */
export type CredentialLookup = (
  registry: string,
  repository: string,
  asking?: Asking,
) => Promise<Credentials | undefined>

export interface CredentialSurroundings {
  readonly env: Readonly<Record<string, string | undefined>>
  /** The home directory. */
  readonly home: string
}

/** Knows nobody. */
export const anonymous: CredentialLookup = async () => undefined

/**
 * Looks where credentials are given and kept, first match wins: `OCIBAKE_REGISTRY_TOKEN…`; `REGISTRY_AUTH_FILE`, which
 * excludes the following; `DOCKER_AUTH_CONFIG`, which holds what a file would; `$XDG_RUNTIME_DIR/containers/auth.json`;
 * `$XDG_CONFIG_HOME/containers/auth.json` (or `~/.config`); `$DOCKER_CONFIG/config.json` (or `~/.docker`). In a file: its
 * helper for the host, its credential store, its own entries. `credential-helpers` of a registries.conf name programs to be
 * asked before or after all those files; of these, one that fails is passed over as long as somebody else knows something.
 * Last, AWS is asked for its own registries. Files are read when first needed, and once
 * (containers-auth.json(5), containers-registries.conf(5), docker login "Credential stores").
 */
export function credentialLookup(
  around: CredentialSurroundings,
  helpers: HelpersLookup = helpersLookup(around),
): CredentialLookup {
  const { env } = around
  const lookInFiles = fileLookup(around)
  return async (registry, repository, asking) => {
    const given = environmentCredentials(env)
    for (const key of keysFor(registry, repository)) if (given.has(key)) return given.get(key)
    const failures: OcibakeError[] = []
    for (const helper of await helpers()) {
      const asked =
        helper === AUTH_FILES ? lookInFiles(registry, repository) : askIfAble(helper, registry, env, failures)
      const found = await asked
      if (found !== undefined) return found
    }
    const fromAws = asking && (await ecrCredentials(registry, { ...asking, env }))
    if (fromAws === undefined && failures.length > 0) throw failures[0]
    return fromAws
  }
}

function fileLookup(around: CredentialSurroundings) {
  const { env } = around
  const paths = credentialPaths(around)
  const files = new Map<string, Promise<CredentialFile | undefined>>()
  return async (registry: string, repository: string): Promise<Credentials | undefined> => {
    const inline = inlineFile(env)
    const found = inline && (await lookIn(inline, registry, repository, env))
    if (found) return found
    for (const path of paths) {
      const reading = files.get(path) ?? readCredentialFile(path)
      files.set(path, reading)
      const file = await reading
      const kept = file && (await lookIn(file, registry, repository, env))
      if (kept) return kept
    }
    return undefined
  }
}

async function askIfAble(
  helper: string,
  registry: string,
  env: CredentialSurroundings['env'],
  failures: OcibakeError[],
): Promise<Credentials | undefined> {
  try {
    return await askHelper(helper, serverName(registry), env)
  } catch (error) {
    if (!(error instanceof OcibakeError)) throw error
    failures.push(error)
    return undefined
  }
}

/** The files in which credentials are looked for, in order; they need not exist. */
export function credentialPaths({ env, home }: CredentialSurroundings): string[] {
  if (env.REGISTRY_AUTH_FILE) return [env.REGISTRY_AUTH_FILE]
  const runtime = env.XDG_RUNTIME_DIR ? [join(env.XDG_RUNTIME_DIR, 'containers', 'auth.json')] : []
  return [
    ...runtime,
    join(env.XDG_CONFIG_HOME || join(home, '.config'), 'containers', 'auth.json'),
    join(env.DOCKER_CONFIG || join(home, '.docker'), 'config.json'),
  ]
}

/** The name under which Docker's files and helpers keep a registry: Docker Hub's dates from its first version. */
export function serverName(registry: string): string {
  return registry === 'docker.io' ? 'https://index.docker.io/v1/' : registry
}

/** What `DOCKER_AUTH_CONFIG` holds, unless a file was named. @throws CREDENTIALS_UNREADABLE */
export function inlineFile(env: CredentialSurroundings['env']): CredentialFile | undefined {
  if (!env.DOCKER_AUTH_CONFIG || env.REGISTRY_AUTH_FILE) return undefined
  const name = 'DOCKER_AUTH_CONFIG'
  return parseCredentials(parseCredentialRoot(env.DOCKER_AUTH_CONFIG, name), name)
}

async function lookIn(
  file: CredentialFile,
  registry: string,
  repository: string,
  env: CredentialSurroundings['env'],
): Promise<Credentials | undefined> {
  const helper = file.helpers.get(registry) ?? file.store
  const kept = helper === undefined ? undefined : await askHelper(helper, serverName(registry), env)
  if (kept) return kept
  for (const key of keysFor(registry, repository)) {
    const entry = file.auths.get(key)
    const found = entry && entryCredentials(entry, key, file.path)
    if (found) return found
  }
  return undefined
}

/** Podman's keys, the most exact first: `host/team/app`, `host/team`, `host`. */
function* keysFor(registry: string, repository: string): Generator<string> {
  const parts = repository.split('/').filter((part) => part !== '')
  for (let count = parts.length; count >= 0; count--) yield [registry, ...parts.slice(0, count)].join('/')
}
