import { OcibakeError } from '../errors.ts'
import { parseReference, type Reference } from '../oci/reference.ts'
import { displayHost } from './redact.ts'

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
}

/** The mirror that `HOST[/PATH]=MIRROR[/PATH]` says. @throws USAGE */
export function parseMirror(text: string): Mirror {
  const [prefix = '', location = '', ...more] = text.toLowerCase().split('=')
  if (more.length === 0 && isPlace(prefix) && isPlace(location) && prefix !== location) return { prefix, location }
  throw new OcibakeError('USAGE', `--mirror: '${displayHost(text)}' does not say what stands for which registry.`, {
    hint: 'Write --mirror HOST=MIRROR: docker.io=mirror.example.com, docker.io/library=mirror.example.com/hub',
  })
}

/**
 * The places for a reference: its mirrors in the order of `mirrors`, then itself, unless `only` mirrors may be asked and
 * there are some. A mirror stands for a name if its prefix is all of the name's first components.
 */
export function placesFor(reference: Reference, mirrors: readonly Mirror[], only: boolean): Place[] {
  const { registry, repository, ...rest } = reference
  const name = `${registry}/${repository}`
  const found = mirrors
    .filter(({ prefix }) => name.startsWith(`${prefix}/`) || name === prefix)
    .map(({ prefix, location }) => parseReference(location + name.slice(prefix.length)))
    .map((place) => ({
      reference: { ...rest, registry: place.registry, repository: place.repository },
      isMirror: true,
    }))
  return only && found.length > 0 ? found : [...found, { reference, isMirror: false }]
}

/** Whether a text is a host, or one with a path, as the start of a reference has it. */
function isPlace(text: string): boolean {
  try {
    const { registry, repository } = parseReference(`${text}/x/y`)
    return `${registry}/${repository}` === `${text}/x/y`
  } catch {
    return false
  }
}
