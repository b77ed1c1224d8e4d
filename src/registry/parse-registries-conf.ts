import { OcibakeError } from '../errors.ts'
import { isDigest } from '../oci/digest.ts'
import { isJsonObject, type JsonObject } from '../oci/json.ts'
import { didYouMean } from '../oci/nearest-name.ts'
import { isHelperName } from './credential-file.ts'
import { displayHost, redact } from './redact.ts'
import { parsePlace, type RegistryTable, type TableMirror } from './registry-table.ts'

/** Of a file: those that are read here, and those that others read. */
const FILE_KEYS = new Set([
  'registry',
  'credential-helpers',
  'unqualified-search-registries',
  'short-name-mode',
  'additional-layer-store-auth-helper',
  'aliases',
])
const PULLS = ['all', 'digest-only', 'tag-only'] as const

const MIRROR_KEYS = new Set(['location', 'insecure', 'pull-from-mirror'])
const TABLE_KEYS = new Set(['prefix', 'location', 'insecure', 'blocked', 'mirror', 'mirror-by-digest-only'])

/** What is read of a registries.conf. */
export interface RegistriesConf {
  /** Of two with the same prefix, the first. */
  readonly tables: readonly RegistryTable[]
  /** `credential-helpers`: who is asked for credentials, in order; undefined when the file does not say. */
  readonly helpers: readonly string[] | undefined
  /** What is wrong outside of tables without being an error to others who read it. */
  readonly doubts: readonly FileDoubt[]
}

/** Keys at the top of a file that nobody knows. */
export interface FileDoubt {
  readonly file: string
  readonly doubts: readonly string[]
}

/**
 * A registries.conf of version 2, in which `file` is the name of errors. Other settings are passed over; unknown keys are
 * `doubts`.
 * @throws USAGE with the line, or the table, that is wrong (containers-registries.conf(5))
 */
export async function parseRegistriesConf(text: string, file: string): Promise<RegistriesConf> {
  // What distributions install is comments.
  if (text.split('\n').every((line) => /^\s*(#|$)/.test(line))) return { tables: [], helpers: undefined, doubts: [] }
  const root = await readToml(text, file)
  if ('registries' in root) {
    throw invalid(file, 'is of version 1, [registries.…]', 'Write [[registry]] tables instead; podman reads them, too.')
  }
  const tables = new Map<string, RegistryTable>()
  for (const [at, fields] of tablesAt(root, 'registry', '', file).entries()) {
    const table = readTable(fields, `[[registry]] ${at + 1}`, file)
    if (!tables.has(table.prefix)) tables.set(table.prefix, table)
  }
  const doubts = unknownKeys(root, FILE_KEYS, '')
  return {
    tables: [...tables.values()],
    helpers: helpersIn(root, file),
    doubts: doubts.length === 0 ? [] : [{ file, doubts }],
  }
}

function helpersIn(root: JsonObject, file: string): string[] | undefined {
  const value = root['credential-helpers']
  if (value === undefined) return undefined
  const names = Array.isArray(value) ? value.filter(isHelperName) : []
  if (Array.isArray(value) && names.length === value.length) return names
  throw invalid(file, "has something else than names of programs as 'credential-helpers'")
}

function readTable(fields: JsonObject, where: string, file: string): RegistryTable {
  const fault = (what: string) => invalid(file, `has ${what} in ${where}`)
  const location = string(fields, 'location', fault)
  const prefix = string(fields, 'prefix', fault) || location
  if (prefix === '') throw fault("neither 'prefix' nor 'location'")
  if (fields['pull-from-mirror'] !== undefined) throw fault("'pull-from-mirror', which belongs to a mirror,")
  const byDigest = boolean(fields, 'mirror-by-digest-only', fault)
  const names = readPrefix(prefix, fault)
  const place = location === '' || location === prefix ? undefined : readLocation(location, names.suffix, fault)
  const mirrors = tablesAt(fields, 'mirror', ` in ${where}`, file)
  return {
    prefix: names.name + names.suffix,
    ...(place !== undefined && place !== names.name && { location: place }),
    insecure: boolean(fields, 'insecure', fault),
    blocked: boolean(fields, 'blocked', fault),
    mirrors: mirrors.map((mirror, at) =>
      readMirror(mirror, byDigest, names.suffix, (what) =>
        invalid(file, `has ${what} in mirror ${at + 1} of ${where}`),
      ),
    ),
    file,
    doubts: [
      ...unknownKeys(fields, TABLE_KEYS, ` in ${where}`),
      ...mirrors.flatMap((mirror, at) => unknownKeys(mirror, MIRROR_KEYS, ` in mirror ${at + 1} of ${where}`)),
    ],
  }
}

/** containers/image passes over such keys, too; but a misspelt `blocked` blocks nothing. @param where behind a key */
function unknownKeys(fields: JsonObject, known: ReadonlySet<string>, where: string): string[] {
  return Object.keys(fields)
    .filter((key) => !known.has(key))
    .map((key) => `'${redact(key)}'${where}${didYouMean(key, [...known])}`)
}

type Fault = (what: string) => OcibakeError

function readMirror(fields: JsonObject, byDigest: boolean, suffix: string, fault: Fault): TableMirror {
  const location = string(fields, 'location', fault)
  if (location === '') throw fault("no 'location'")
  const wanted = string(fields, 'pull-from-mirror', fault)
  if (byDigest && wanted !== '') throw fault("'pull-from-mirror', beside a 'mirror-by-digest-only' of its registry,")
  const pulls = PULLS.find((one) => one === (wanted || (byDigest ? 'digest-only' : 'all')))
  if (pulls === undefined)
    throw fault(`'pull-from-mirror = "${redact(wanted)}"', which is none of ${PULLS.join(', ')},`)
  return { location: readLocation(location, suffix, fault), insecure: boolean(fields, 'insecure', fault), pulls }
}

/** The name of a prefix, and the tag or digest behind it. */
function readPrefix(text: string, fault: Fault): { name: string; suffix: string } {
  if (text.startsWith('*.')) {
    const domain = parsePlace(text.slice(2))
    if (domain !== undefined && !/[/:]/.test(domain)) return { name: `*.${domain}`, suffix: '' }
    throw fault(`the prefix '${displayHost(text)}', which is not of the form *.example.com,`)
  }
  const [, bare = '', suffix = ''] = /^([^/]*(?:\/[^:@]*)?)((?:[:@].*)?)$/.exec(text) ?? []
  const name = parsePlace(bare)
  const isGood =
    suffix === '' || (suffix.startsWith('@') ? isDigest(suffix.slice(1)) : /^:[\w][\w.-]{0,127}$/.test(suffix))
  if (name !== undefined && isGood) return { name, suffix }
  throw fault(`the prefix '${displayHost(text)}', which is no host[:port][/path]`)
}

/** A place without the tag or digest that its prefix has, too. */
function readLocation(text: string, suffix: string, fault: Fault): string {
  const place = parsePlace(suffix !== '' && text.endsWith(suffix) ? text.slice(0, -suffix.length) : text)
  if (place !== undefined) return place
  throw fault(`the location '${displayHost(text)}', which is no host[:port][/path]`)
}

function string(fields: JsonObject, name: string, fault: Fault): string {
  const value = fields[name] ?? ''
  if (typeof value === 'string') return value.replace(/\/+$/, '')
  throw fault(`something else than a string as '${name}'`)
}

function boolean(fields: JsonObject, name: string, fault: Fault): boolean {
  const value = fields[name] ?? false
  if (typeof value === 'boolean') return value
  throw fault(`neither true nor false as '${name}'`)
}

function tablesAt(fields: JsonObject, name: string, where: string, file: string): readonly JsonObject[] {
  const value = fields[name] ?? []
  if (Array.isArray(value) && value.every(isJsonObject)) return value
  throw invalid(file, `has something else than [[…]] tables as '${name}'${where}`)
}

async function readToml(text: string, file: string): Promise<JsonObject> {
  const { parse, TomlError } = await import('smol-toml')
  try {
    return parse(text)
  } catch (error) {
    if (!(error instanceof TomlError)) throw error
    const [said = ''] = error.message.replace('Invalid TOML document: ', '').split('\n')
    throw invalid(file, `is not TOML at line ${error.line}, column ${error.column} (${redact(said)})`)
  }
}

/** For a file of registries that cannot be used: USAGE. */
export function invalid(file: string, fault: string, hint?: string, cause?: unknown): OcibakeError {
  const other = 'CONTAINERS_REGISTRIES_CONF=FILE names another file, /dev/null none.'
  return new OcibakeError('USAGE', `${file} ${fault}.`, { hint: `${hint ?? 'Repair it.'} ${other}`, cause })
}
