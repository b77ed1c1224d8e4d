import { OcibakeError } from '../errors.ts'
import { formatReference, parseReference, type Reference } from './reference.ts'

/** A place of an image, as skopeo and buildah write it (containers-transports(5)), and our own `rootfs:`. */
export type Transport =
  | { readonly kind: 'docker'; readonly reference: Reference }
  | { readonly kind: 'oci'; readonly folder: string; readonly tag?: string }
  | { readonly kind: 'oci-archive'; readonly file: string; readonly tag?: string }
  | { readonly kind: 'docker-archive'; readonly file: string; readonly image?: ArchivedImage }
  | { readonly kind: 'rootfs'; readonly file: string }

/** The path of an output that goes to stdout: `rootfs:-`. */
const STDOUT = '-'

/** One image of a docker-archive: its name and tag, or its place in the archive, from 0 (`@0`). */
export type ArchivedImage = Reference | number

const TRANSPORT = /^(?:(docker):\/\/|(oci|oci-archive|docker-archive|rootfs):)(.*)$/s

/** The grammar of `org.opencontainers.image.ref.name` in image-spec annotations.md. */
const REF_NAME = /^[A-Za-z0-9]+(?:(?:--|[-._:@+])[A-Za-z0-9]+)*(?:\/[A-Za-z0-9]+(?:(?:--|[-._:@+])[A-Za-z0-9]+)*)*$/

/** Whether the text names a transport. `oci:x` does, so an image called `oci` needs its registry in front. */
export function hasTransport(text: string): boolean {
  return TRANSPORT.test(text)
}

/**
 * The place that `docker://REF`, `oci:DIR[:TAG]`, `oci-archive:FILE[:TAG]`, `docker-archive:FILE[:NAME[:TAG]|:@N]` or
 * `rootfs:FILE` names. As with skopeo, the first colon behind the transport ends the path, so a path with a colon in it
 * (`C:\images`) cannot be written; only `rootfs:` takes the whole rest.
 * @throws REFERENCE_INVALID
 */
export function parseTransport(text: string): Transport {
  const match = TRANSPORT.exec(text)
  const kind = match?.[1] ?? match?.[2]
  const rest = match?.[3] ?? ''
  if (kind === undefined) {
    throw invalid(text, 'names no known transport', 'Known: docker:// oci: oci-archive: docker-archive: rootfs:')
  }
  if (kind === 'docker') return { kind, reference: parseReference(rest) }
  const colon = kind === 'rootfs' ? -1 : rest.indexOf(':')
  const path = colon < 0 ? rest : rest.slice(0, colon)
  const name = colon < 0 ? undefined : rest.slice(colon + 1)
  if (path === '' || path.includes('\0')) throw invalid(text, 'names no path', `Write ${kind}:PATH`)
  if (kind === 'rootfs') return { kind, file: path }
  if (kind === 'docker-archive') {
    return { kind, file: path, ...(name === undefined ? {} : { image: archivedImage(text, name) }) }
  }
  const tagged = name === undefined ? {} : { tag: checkTag(text, name) }
  return kind === 'oci' ? { kind, folder: path, ...tagged } : { kind: 'oci-archive', file: path, ...tagged }
}

function archivedImage(text: string, name: string): ArchivedImage {
  if (/^@[0-9]{1,6}$/.test(name)) return Number(name.slice(1))
  const reference = parseReference(name)
  if (reference.digest === undefined) return reference
  throw invalid(text, 'has a digest; images in a docker-archive have tags only', 'Write docker-archive:FILE:NAME:TAG')
}

function checkTag(text: string, tag: string): string {
  if (REF_NAME.test(tag)) return tag
  const got = tag === '' ? 'has an empty tag' : `has the tag '${shown(tag)}', which image-spec does not allow`
  throw invalid(text, got, 'The first colon ends the path: a path with a colon in it needs a symlink without one.')
}

function invalid(text: string, fault: string, hint: string): OcibakeError {
  return new OcibakeError('REFERENCE_INVALID', `'${shown(text)}' ${fault}.`, { hint })
}

function shown(text: string): string {
  return text
    .slice(0, 200)
    .replace(/[^\x20-\x7e]/g, '?')
    .replace(/\/\/[^/@]*@/, '//…@')
}

/** Whether an output of that name goes to stdout: `rootfs:-`, `oci-archive:-:1`. A file of that name is `./-`. */
export function isStdout(output: Transport): boolean {
  return 'file' in output && output.file === STDOUT
}

/** The text that `parseTransport` reads as this. */
export function formatTransport(transport: Transport): string {
  const suffix = (name: string | undefined) => (name === undefined ? '' : `:${name}`)
  switch (transport.kind) {
    case 'docker':
      return `docker://${formatReference(transport.reference)}`
    case 'oci':
      return `oci:${transport.folder}${suffix(transport.tag)}`
    case 'oci-archive':
      return `oci-archive:${transport.file}${suffix(transport.tag)}`
    case 'docker-archive': {
      const { image } = transport
      if (image === undefined) return `docker-archive:${transport.file}`
      return `docker-archive:${transport.file}:${typeof image === 'number' ? `@${image}` : formatReference(image)}`
    }
    case 'rootfs':
      return `rootfs:${transport.file}`
  }
}
