import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { systemCode } from '../errors.ts'
import { type FileDoubt, invalid, parseRegistriesConf, type RegistriesConf } from './parse-registries-conf.ts'
import type { RegistryTable } from './registry-table.ts'

/** What is written of registries on this machine. @throws USAGE for a file that cannot be used */
export type RegistriesLookup = () => Promise<readonly RegistryTable[]>

/** Who is asked for credentials, in order: names behind `docker-credential-`, and AUTH_FILES. @throws USAGE as above */
export type HelpersLookup = () => Promise<readonly string[]>

/** Keys of the files, outside of tables, that nobody knows. @throws USAGE as above */
export type DoubtsLookup = () => Promise<readonly FileDoubt[]>

/** What stands for the files that hold credentials, among names of programs. */
export const AUTH_FILES = 'containers-auth.json'

/** Nothing is written of any. */
export const noRegistries: RegistriesLookup = async () => []

/**
 * Reads what podman, buildah and skopeo read of registries: `$XDG_CONFIG_HOME/containers/registries.conf` (or `~/.config`)
 * and `registries.conf.d/*.conf` beside it; without that file, those of `/etc/containers`, and then that folder. A table
 * replaces one with the same prefix in a file before. `CONTAINERS_REGISTRIES_CONF` names a file that is read alone.
 * Read when first needed, and once. `system` stands for `/etc/containers`.
 * (containers-registries.conf(5), containers-registries.conf.d(5))
 */
export function registriesLookup(around: ConfSurroundings, system?: string): RegistriesLookup {
  return registriesConf(around, system).registries
}

/** `credential-helpers` of the same files: the last one that has them counts. Without any, files alone are looked into. */
export function helpersLookup(around: ConfSurroundings, system?: string): HelpersLookup {
  return registriesConf(around, system).helpers
}

/** `registriesLookup`, `helpersLookup` and what is doubtful, for which the files are read once in all. */
export function registriesConf(
  around: ConfSurroundings,
  system?: string,
): { readonly registries: RegistriesLookup; readonly helpers: HelpersLookup; readonly doubts: DoubtsLookup } {
  const read = reader(around, system)
  return {
    registries: async () => (await read()).tables,
    helpers: async () => (await read()).helpers ?? [AUTH_FILES],
    doubts: async () => (await read()).doubts,
  }
}

interface ConfSurroundings {
  readonly env: Readonly<Record<string, string | undefined>>
  /** The home directory. */
  readonly home: string
}

function reader({ env, home }: ConfSurroundings, system = '/etc/containers'): () => Promise<RegistriesConf> {
  const own = join(env.XDG_CONFIG_HOME || join(home, '.config'), 'containers')
  const named = env.CONTAINERS_REGISTRIES_CONF
  let known: Promise<RegistriesConf> | undefined
  return () => {
    known ??= named ? readNamed(named) : readAll(own, system)
    return known
  }
}

async function readNamed(file: string): Promise<RegistriesConf> {
  const conf = await readOne(file)
  if (conf !== undefined) return conf
  throw invalid(file, 'does not exist, though CONTAINERS_REGISTRIES_CONF names it', 'Check its path.')
}

async function readAll(own: string, system: string): Promise<RegistriesConf> {
  const main = (folder: string) => readOne(join(folder, 'registries.conf'))
  const ofUser = await main(own)
  const first = ofUser ?? (await main(system))
  const folders = ofUser === undefined ? [system, own] : [own]
  const tables = new Map(first?.tables.map((table) => [table.prefix, table]))
  let helpers = first?.helpers
  const doubts = [...(first?.doubts ?? [])]
  for (const folder of folders) {
    for (const file of await dropIns(join(folder, 'registries.conf.d'))) {
      const conf = await readOne(file)
      for (const table of conf?.tables ?? []) tables.set(table.prefix, table)
      helpers = conf?.helpers ?? helpers
      doubts.push(...(conf?.doubts ?? []))
    }
  }
  return { tables: [...tables.values()], helpers, doubts }
}

async function dropIns(folder: string): Promise<string[]> {
  try {
    const entries = await readdir(folder, { withFileTypes: true })
    const files = entries.filter((entry) => entry.name.endsWith('.conf') && !entry.isDirectory())
    return files.map(({ name }) => join(folder, name)).sort()
  } catch (error) {
    return absent(error, folder) ?? []
  }
}

async function readOne(file: string): Promise<RegistriesConf | undefined> {
  let text: string
  try {
    text = await readFile(file, 'utf8')
  } catch (error) {
    return absent(error, file)
  }
  return await parseRegistriesConf(text, file)
}

function absent(error: unknown, path: string): undefined {
  const code = systemCode(error)
  if (code !== 'ENOENT' && code !== 'ENOTDIR') throw invalid(path, `cannot be read (${code})`, undefined, error)
}
