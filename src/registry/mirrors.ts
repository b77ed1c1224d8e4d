import { OcibakeError } from '../errors.ts'
import type { Reference } from '../oci/reference.ts'
import { displayHost } from './redact.ts'
import { parsePlace, type RegistryTable, relocated, restOf, tableFor } from './registry-table.ts'

/** A registry, or a part of one, that is asked instead of another. */
export interface Mirror {
  /** `host[:port][/path]`, at the start of the names that it stands for. */
  readonly prefix: string
  /** What stands there instead. */
  readonly location: string
}

/** Where an image may be pulled from, in the order in which to ask. */
export interface Place {
  readonly reference: Reference
  /** Not where its name says. */
  readonly isMirror: boolean
  /** registries.conf says that it need not be spoken to by TLS. */
  readonly isInsecure: boolean
}

/** The mirror that `HOST[/PATH]=MIRROR[/PATH]` says. @throws USAGE */
export function parseMirror(text: string): Mirror {
  const [prefix, location, ...more] = text.toLowerCase().split('=').map(parsePlace)
  if (more.length === 0 && prefix !== undefined && location !== undefined && prefix !== location) {
    return { prefix, location }
  }
  throw new OcibakeError('USAGE', `--mirror: '${displayHost(text)}' does not say what stands for which registry.`, {
    hint: 'Write --mirror HOST=MIRROR: docker.io=mirror.example.com, docker.io/library=mirror.example.com/hub',
  })
}

/**
 * The places for a reference: its mirrors in the order of `mirrors`, or if it has none there those of its table; then the
 * location that the table has for it, or itself, unless `only` mirrors may be asked and there are some. A mirror stands
 * for a name if its prefix is all of the name's first components. Of these, those that no table blocks.
 * @throws REGISTRY_ERROR if all are blocked, REFERENCE_INVALID
 */
export function placesFor(
  reference: Reference,
  mirrors: readonly Mirror[],
  only: boolean,
  tables: readonly RegistryTable[],
): Place[] {
  const table = tableFor(reference, tables)
  const given = givenMirrors(reference, mirrors, tables)
  const found = given.length > 0 || table === undefined ? given : mirrorsOf(reference, table)
  const places = only && found.length > 0 ? found : [...found, homeOf(reference, table)]
  const blocks = places.map((place) => blockOf(place, table, tables))
  const open = places.filter((_, at) => blocks[at] === undefined)
  if (open.length === 0) throw blocked(places.at(-1)!.reference, blocks.at(-1)!)
  return open
}

/** The place that a reference names, for what mirrors cannot do. @throws REGISTRY_ERROR if it is blocked */
export function ownPlace(reference: Reference, tables: readonly RegistryTable[]): Place {
  const table = tableFor(reference, tables)
  if (table?.blocked) throw blocked(reference, table)
  return { reference, isMirror: false, isInsecure: table?.insecure ?? false }
}

function givenMirrors(reference: Reference, mirrors: readonly Mirror[], tables: readonly RegistryTable[]): Place[] {
  return mirrors.flatMap(({ prefix, location }) => {
    const rest = restOf(reference, prefix)
    if (rest === undefined) return []
    const there = relocated(reference, location, rest)
    return { reference: there, isMirror: true, isInsecure: tableFor(there, tables)?.insecure ?? false }
  })
}

function mirrorsOf(reference: Reference, { prefix, mirrors }: RegistryTable): Place[] {
  const other = reference.digest === undefined ? 'digest-only' : 'tag-only'
  return mirrors
    .filter(({ pulls }) => pulls !== other)
    .map(({ location, insecure }) => ({
      reference: relocated(reference, location, restOf(reference, prefix)!),
      isMirror: true,
      isInsecure: insecure,
    }))
}

function homeOf(reference: Reference, table: RegistryTable | undefined): Place {
  const there =
    table?.location === undefined ? reference : relocated(reference, table.location, restOf(reference, table.prefix)!)
  return { reference: there, isMirror: false, isInsecure: table?.insecure ?? false }
}

/** Of a name that is blocked, mirrors may still be asked: that is how a registry is cut off without losing its images. */
function blockOf(place: Place, named: RegistryTable | undefined, tables: readonly RegistryTable[]) {
  return [place.isMirror ? undefined : named, tableFor(place.reference, tables)].find((table) => table?.blocked)
}

function blocked({ registry, repository }: Reference, { prefix, file }: RegistryTable): OcibakeError {
  return new OcibakeError(
    'REGISTRY_ERROR',
    `No request goes to ${registry}/${repository}: ${file} blocks '${prefix}'.`,
    {
      hint: 'Name another registry, pull from a mirror (--mirror), or change that file.',
    },
  )
}
