import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { systemCode } from '../errors.ts'
import { invalid, parseRegistriesConf } from './parse-registries-conf.ts'
import type { RegistryTable } from './registry-table.ts'

/** What is written of registries on this machine. @throws USAGE for a file that cannot be used */
export type RegistriesLookup = () => Promise<readonly RegistryTable[]>

/** Nothing is written of any. */
export const noRegistries: RegistriesLookup = async () => []

/**
 * Reads what podman, buildah and skopeo read of registries: `$XDG_CONFIG_HOME/containers/registries.conf` (or `~/.config`)
 * and `registries.conf.d/*.conf` beside it; without that file, those of `/etc/containers`, and then that folder. A table
 * replaces one with the same prefix in a file before. `CONTAINERS_REGISTRIES_CONF` names a file that is read alone.
 * Read when first needed, and once. `system` stands for `/etc/containers`.
 * (containers-registries.conf(5), containers-registries.conf.d(5))
 */
export function registriesLookup(
  { env, home }: { readonly env: Readonly<Record<string, string | undefined>>; readonly home: string },
  system = '/etc/containers',
): RegistriesLookup {
  const own = join(env.XDG_CONFIG_HOME || join(home, '.config'), 'containers')
  const named = env.CONTAINERS_REGISTRIES_CONF
  let known: Promise<readonly RegistryTable[]> | undefined
  return () => {
    known ??= named ? readNamed(named) : readAll(own, system)
    return known
  }
}

async function readNamed(file: string): Promise<readonly RegistryTable[]> {
  const tables = await readOne(file)
  if (tables !== undefined) return tables
  throw invalid(file, 'does not exist, though CONTAINERS_REGISTRIES_CONF names it', 'Check its path.')
}

async function readAll(own: string, system: string): Promise<readonly RegistryTable[]> {
  const main = (folder: string) => readOne(join(folder, 'registries.conf'))
  const ofUser = await main(own)
  const first = ofUser ?? (await main(system)) ?? []
  const folders = ofUser === undefined ? [system, own] : [own]
  const tables = new Map(first.map((table) => [table.prefix, table]))
  for (const folder of folders) {
    for (const file of await dropIns(join(folder, 'registries.conf.d'))) {
      for (const table of (await readOne(file)) ?? []) tables.set(table.prefix, table)
    }
  }
  return [...tables.values()]
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

async function readOne(file: string): Promise<RegistryTable[] | undefined> {
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
