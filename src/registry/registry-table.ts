import { OcibakeError } from '../errors.ts'
import { parseReference, type Reference } from '../oci/reference.ts'

/** A `[[registry]]` table of a registries.conf: what holds for the names that start with its prefix. */
export interface RegistryTable {
  /** `host[:port][/path][:tag|@digest]`, or `*.domain`. */
  readonly prefix: string
  /** `host[:port][/path]` that stands there instead when something is pulled; names stay as they are when absent. */
  readonly location?: string
  /** Plain http, and certificates of anybody. */
  readonly insecure: boolean
  /** No request goes to these names. */
  readonly blocked: boolean
  readonly mirrors: readonly TableMirror[]
  /** Where it is written, for messages. */
  readonly file: string
  /** What is wrong in it without being an error to others who read it: keys that nobody knows. */
  readonly doubts: readonly string[]
}

/** A `[[registry.mirror]]`. */
export interface TableMirror {
  /** As a table's. */
  readonly location: string
  readonly insecure: boolean
  /** Which names it is asked for: those with a digest, those with a tag alone. */
  readonly pulls: 'all' | 'digest-only' | 'tag-only'
}

type Name = Pick<Reference, 'registry' | 'repository' | 'tag' | 'digest'>

/** The table that holds for a name: that with the longest prefix. (containers-registries.conf(5)) */
export function tableFor(name: Name, tables: readonly RegistryTable[]): RegistryTable | undefined {
  return tables
    .filter(({ prefix }) => restOf(name, prefix) !== undefined)
    .reduce<RegistryTable | undefined>(
      (best, table) => (best === undefined || table.prefix.length > best.prefix.length ? table : best),
      undefined,
    )
}

/**
 * What is left of a name without its tag and digest behind a prefix, or undefined if it does not start with it by whole
 * components. `host` does not stand for `host:port`; `*.domain` does for any port, since it can name none.
 */
export function restOf({ registry, repository, tag, digest }: Name, prefix: string): string | undefined {
  if (prefix.startsWith('*.')) {
    const host = registry.replace(/:\d+$/, '')
    return host.endsWith(prefix.slice(1)) ? `${registry.slice(host.length)}/${repository}` : undefined
  }
  const name = `${registry}/${repository}`
  if (prefix === `${name}:${tag}` || prefix === `${name}@${digest}`) return ''
  return `${name}/`.startsWith(`${prefix}/`) ? name.slice(prefix.length) : undefined
}

/** A reference with `location` in the place of what came before `rest`. @throws REFERENCE_INVALID */
export function relocated(reference: Reference, location: string, rest: string): Reference {
  const text = location + rest
  // Of a lone host, Docker's rules make a repository of Docker Hub.
  if (!text.includes('/')) {
    throw new OcibakeError('REFERENCE_INVALID', `'${text}' stands for a whole repository, but is only a registry.`, {
      hint: `Write the repository behind it: ${text}/${reference.repository}`,
    })
  }
  const { registry, repository } = parseReference(text)
  return { ...reference, registry, repository }
}

/** `host[:port][/path]` as references spell it, or undefined if the text is something else. */
export function parsePlace(text: string): string | undefined {
  try {
    // Two components: of one, Docker Hub makes `library/one`.
    const { registry, repository } = parseReference(`${text}/x/y`)
    const place = `${registry}/${repository}`.slice(0, -'/x/y'.length)
    return place === text.replace(/^[^/]*/, registry) ? place : undefined
  } catch (error) {
    if (!(error instanceof OcibakeError)) throw error
    return undefined
  }
}
