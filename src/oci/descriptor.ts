import { OcibakeError } from '../errors.ts'
import { DOCUMENT_LIMIT } from './json.ts'
import type { JsonFields } from './json-fields.ts'
import type { Descriptor, DescriptorPlatform } from './source.ts'

/**
 * A descriptor as a document has it (image-spec descriptor.md). `urls` are refused, not followed: a base image must not
 * choose where the builder connects (CVE-2020-15157). `platform` counts when it names both system and architecture.
 * @throws the code of `fields` for what breaks the format, MANIFEST_UNSUPPORTED for `urls` and other digests than sha256
 */
export function readDescriptor(fields: JsonFields): Descriptor {
  const urls = fields.optionalTexts('urls')
  if (urls !== undefined && urls.length > 0) {
    throw new OcibakeError(
      'MANIFEST_UNSUPPORTED',
      `${fields.what} is to be fetched from ${urls.length} URLs of its own; ocibake takes blobs only from where the image is.`,
    )
  }
  const annotations = fields.optionalTextMap('annotations')
  const platform = readPlatform(fields.optionalObject('platform'))
  return {
    mediaType: fields.text('mediaType'),
    digest: fields.digest('digest'),
    size: fields.size('size'),
    ...(annotations === undefined ? {} : { annotations }),
    ...(platform === undefined ? {} : { platform }),
  }
}

/** As `readDescriptor`, for a manifest, index or config: those are read into memory, so their size has a limit. */
export function readDocumentDescriptor(fields: JsonFields): Descriptor {
  const descriptor = readDescriptor(fields)
  if (descriptor.size > DOCUMENT_LIMIT) fields.refuse('size', `at most ${DOCUMENT_LIMIT} bytes for a document`)
  return descriptor
}

function readPlatform(fields: JsonFields | undefined): DescriptorPlatform | undefined {
  const os = fields?.optionalText('os')
  const architecture = fields?.optionalText('architecture')
  const variant = fields?.optionalText('variant')
  if (os === undefined || architecture === undefined) return undefined
  return { os, architecture, ...(variant === undefined ? {} : { variant }) }
}
