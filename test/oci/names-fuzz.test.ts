import fc from 'fast-check'
import { expect, test } from 'vitest'
import { OcibakeError } from '../../src/errors.ts'
import { display, fromBytes, fromText, toBytes, toText } from '../../src/oci/name.ts'
import { formatPlatform, parsePlatform } from '../../src/oci/platform.ts'
import { formatReference, parseReference } from '../../src/oci/reference.ts'
import { formatTransport, parseTransport } from '../../src/oci/transport.ts'
import { fuzz, orRefused } from '../support/fuzz.ts'

/** What anybody may type, much of it nearly right. */
const text = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.stringMatching(/^[a-zA-Z0-9.:/@_[\]-]{0,80}$/),
  fc.stringMatching(/^([0-9a-fx]{1,3}(\.[0-9a-fx]{1,3}){0,3}|\[[0-9a-f:.]{2,20}\]):[0-9]{1,5}\/a$/),
  fc.stringMatching(
    /^([a-z0-9.-]{1,20}(:[0-9]{1,6})?\/)?[a-z0-9._/-]{1,30}(:[\w.-]{1,10})?(@sha256:[0-9a-f]{60,64})?$/,
  ),
  fc.stringMatching(/^(docker:\/\/|oci:|oci-archive:|docker-archive:|rootfs:)[a-zA-Z0-9.:/@_-]{0,40}$/),
  fc.webUrl(),
)
const alphanumeric = '[a-z0-9]{1,8}'
const host = fc.stringMatching(new RegExp(`^${alphanumeric}\\.[a-z]{1,8}(:[1-9][0-9]{1,3})?$`))
const path = fc.stringMatching(new RegExp(`^${alphanumeric}([._-]${alphanumeric})?(/${alphanumeric}){0,3}$`))
const tag = fc.stringMatching(/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,20}$/)
const digest = fc.stringMatching(/^[0-9a-f]{64}$/).map((hex) => `sha256:${hex}` as const)

test('a reference is refused, or read and written and read as the same', () => {
  fc.assert(
    fc.property(text, (typed) => {
      const reference = orRefused(['REFERENCE_INVALID', 'MANIFEST_UNSUPPORTED'], () => parseReference(typed))
      if (reference instanceof OcibakeError) return
      const { registry, repository } = reference
      expect(parseReference(formatReference(reference))).toEqual(reference)
      // It becomes part of a URL as it is.
      const url = new URL(`https://${registry}/v2/${repository}/manifests/${reference.digest ?? reference.tag}`)
      expect(url.host).toBe(registry.replace(/:443$/, ''))
      expect(url.pathname).toBe(`/v2/${repository}/manifests/${reference.digest ?? reference.tag}`)
    }),
    fuzz(1000),
  )
})

test('a reference is what its parts say', () => {
  fc.assert(
    fc.property(host, path, fc.option(tag, { nil: undefined }), fc.option(digest, { nil: undefined }), (...parts) => {
      const [registry, repository, tagged, exact] = parts
      const typed = `${registry}/${repository}${tagged ? `:${tagged}` : ''}${exact ? `@${exact}` : ''}`
      const latest = tagged === undefined && exact === undefined ? { tag: 'latest' } : {}
      expect(parseReference(typed)).toEqual({
        registry,
        repository,
        ...latest,
        ...(tagged && { tag: tagged }),
        ...(exact && { digest: exact }),
      })
    }),
    fuzz(300),
  )
})

test('a transport is refused, or read and written and read as the same', () => {
  fc.assert(
    fc.property(text, (typed) => {
      const transport = orRefused(['REFERENCE_INVALID', 'MANIFEST_UNSUPPORTED'], () => parseTransport(typed))
      if (transport instanceof OcibakeError) return
      expect(parseTransport(formatTransport(transport))).toEqual(transport)
    }),
    fuzz(600),
  )
})

test('a platform is refused, or read and written and read as the same', () => {
  fc.assert(
    fc.property(fc.oneof(text, fc.stringMatching(/^[a-z0-9]{1,8}(\/[a-z0-9]{1,8}){1,2}$/)), (typed) => {
      const platform = orRefused(['USAGE', 'SPEC_INVALID', 'REFERENCE_INVALID'], () => parsePlatform(typed))
      if (!(platform instanceof OcibakeError)) expect(parsePlatform(formatPlatform(platform))).toEqual(platform)
    }),
    fuzz(300),
  )
})

test('names are bytes, whatever they are, and shown without anything that a terminal would obey', () => {
  fc.assert(
    fc.property(fc.uint8Array(), (bytes) => {
      const name = fromBytes(bytes)
      expect([...toBytes(name)]).toEqual([...bytes])
      const read = toText(name)
      if (read !== undefined) expect(fromText(read)).toBe(name)
      expect(display(name)).toMatch(/^[^\x00-\x1f\x7f-\x9f]*$/)
    }),
    fuzz(500),
  )
})
