import { OcibakeError } from '../errors.ts'
import { type Digest, isDigest } from './digest.ts'

/** The name of an image in a registry. */
export interface Reference {
  /** `host[:port]` in lower case; Docker Hub is always `docker.io`. */
  readonly registry: string
  /** Path in the registry: `library/debian`. */
  readonly repository: string
  readonly tag?: string
  readonly digest?: Digest
}

const LABEL = '[a-z0-9](?:[a-z0-9-]*[a-z0-9])?'
const HOST = new RegExp(`^(?:${LABEL}(?:\\.${LABEL})*|\\[[0-9a-f:.]+\\])(?::([0-9]{1,5}))?$`)
const COMPONENT = /^[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*$/
const TAG = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/
const LONGEST_NAME = 255

/**
 * The reference that `text` means by Docker's rules: `debian` is `docker.io/library/debian:latest`; the first component
 * is a host when it holds a dot or a colon or is `localhost`.
 * @throws REFERENCE_INVALID saying which part is wrong (grammar: distribution/reference, regexp.go and normalize.go)
 */
export function parseReference(text: string): Reference {
  const scheme = /^[a-z][a-z0-9+.-]*:\/\//i.exec(text)
  if (scheme)
    throw invalid(text, `starts with '${scheme[0]}'`, 'Write it without a scheme: registry.example.com/name:tag')
  const at = text.indexOf('@')
  const named = at < 0 ? text : text.slice(0, at)
  const colon = named.indexOf(':', named.lastIndexOf('/') + 1)
  const [registry, repository] = splitName(colon < 0 ? named : named.slice(0, colon), text)
  const tag = colon < 0 ? undefined : checkTag(named.slice(colon + 1), text)
  const digest = at < 0 ? undefined : checkDigest(text.slice(at + 1), text)
  return {
    registry,
    repository,
    ...(tag === undefined && digest === undefined ? { tag: 'latest' } : {}),
    ...(tag === undefined ? {} : { tag }),
    ...(digest === undefined ? {} : { digest }),
  }
}

/** `registry/repository[:tag][@digest]`: what `parseReference` reads back as the same reference. */
export function formatReference(reference: Reference): string {
  const tag = reference.tag === undefined ? '' : `:${reference.tag}`
  const digest = reference.digest === undefined ? '' : `@${reference.digest}`
  return `${reference.registry}/${reference.repository}${tag}${digest}`
}

function splitName(name: string, text: string): [registry: string, repository: string] {
  if (name === '') throw invalid(text, 'names no repository')
  if (/^[0-9a-f]{64}$/.test(name)) {
    throw invalid(text, 'is 64 hex digits, the form of an image id', 'Write name@sha256:<digest> instead.')
  }
  const slash = name.indexOf('/')
  const first = slash < 0 ? '' : name.slice(0, slash)
  const hasHost = slash >= 0 && (/[.:]/.test(first) || first === 'localhost')
  const registry = hasHost ? checkHost(first, text) : 'docker.io'
  const path = checkPath(hasHost ? name.slice(slash + 1) : name, text)
  const repository = registry === 'docker.io' && !path.includes('/') ? `library/${path}` : path
  const length = `${registry}/${repository}`.length
  if (length > LONGEST_NAME)
    throw invalid(text, `has a name of ${length} characters; at most ${LONGEST_NAME} are allowed`)
  return [registry, repository]
}

function checkHost(host: string, text: string): string {
  const lower = host.toLowerCase()
  const match = HOST.exec(lower)
  const port = match?.[1] === undefined ? undefined : Number(match[1])
  if (!match || !URL.canParse(`http://${lower}/`) || port === 0) {
    throw invalid(text, `has the registry '${shown(host)}', which is no host[:port]`)
  }
  // Whatever is kept by host (credentials, certificates, exceptions) has to be found by the host that is asked.
  const { hostname } = new URL(`http://${lower}/`)
  const asked = port === undefined ? hostname : `${hostname}:${port}`
  if (asked !== lower) {
    throw invalid(text, `has the registry '${shown(host)}', which is ${asked}`, `Write it that way: ${asked}/…`)
  }
  return lower === 'index.docker.io' ? 'docker.io' : lower
}

function checkPath(path: string, text: string): string {
  for (const component of path.split('/')) {
    if (COMPONENT.test(component)) continue
    if (component === '') throw invalid(text, 'has an empty path component')
    if (/[A-Z]/.test(component)) {
      throw invalid(
        text,
        `has upper case in '${shown(component)}'`,
        `Repository names are lower case: ${shown(path.toLowerCase())}`,
      )
    }
    throw invalid(
      text,
      `has the path component '${shown(component)}'; wanted a-z and 0-9, with '.', '_', '__' or '-' between them`,
    )
  }
  return path
}

function checkTag(tag: string, text: string): string {
  if (TAG.test(tag)) return tag
  const wanted = "wanted 1 to 128 letters, digits, '_', '.' or '-', not starting with '.' or '-'"
  throw invalid(text, tag === '' ? `has an empty tag; ${wanted}` : `has the tag '${shown(tag)}'; ${wanted}`)
}

function checkDigest(digest: string, text: string): Digest {
  if (isDigest(digest)) return digest
  throw invalid(text, `has the digest '${shown(digest)}'; wanted 'sha256:' and 64 lower-case hex digits`)
}

function invalid(
  text: string,
  fault: string,
  hint = 'References look like this: registry.example.com/team/name:tag',
): OcibakeError {
  return new OcibakeError('REFERENCE_INVALID', `'${shown(text)}' ${fault}.`, { hint })
}

function shown(text: string): string {
  const clean = text.replace(/[^\x20-\x7e]/g, '?').replace(/\/\/[^/@]*@/, '//…@')
  return clean.length > 200 ? `${clean.slice(0, 200)}…` : clean
}
