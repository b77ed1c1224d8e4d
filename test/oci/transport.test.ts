import { describe, expect, it } from 'vitest'
import { hasTransport, parseTransport } from '../../src/oci/transport.ts'

const ALPINE = { registry: 'docker.io', repository: 'library/alpine', tag: 'latest' }

describe('a transport', () => {
  it.each([
    ['docker://alpine', { kind: 'docker', reference: ALPINE }],
    ['oci:out', { kind: 'oci', folder: 'out' }],
    ['oci:/a/b:v1.0', { kind: 'oci', folder: '/a/b', tag: 'v1.0' }],
    ['oci:out:host:5000/name@x', { kind: 'oci', folder: 'out', tag: 'host:5000/name@x' }],
    ['oci-archive:a.tar', { kind: 'oci-archive', file: 'a.tar' }],
    ['oci-archive:a.tar:t', { kind: 'oci-archive', file: 'a.tar', tag: 't' }],
    ['docker-archive:a.tar', { kind: 'docker-archive', file: 'a.tar' }],
    ['docker-archive:a.tar:alpine', { kind: 'docker-archive', file: 'a.tar', image: ALPINE }],
    [
      'docker-archive:a.tar:h:5000/x:t',
      { kind: 'docker-archive', file: 'a.tar', image: { registry: 'h:5000', repository: 'x', tag: 't' } },
    ],
    ['docker-archive:a.tar:@1', { kind: 'docker-archive', file: 'a.tar', image: 1 }],
    ['rootfs:a:b.tar', { kind: 'rootfs', file: 'a:b.tar' }],
  ])('%s is read', (text, want) => {
    expect(hasTransport(text)).toBe(true)
    expect(parseTransport(text)).toEqual(want)
  })

  it.each([
    ['', 'names no known transport'],
    ['out', 'names no known transport'],
    ['dir:out', 'names no known transport'],
    ['docker:alpine', 'names no known transport'],
    ['oci:', 'names no path'],
    ['oci::tag', 'names no path'],
    ['rootfs:', 'names no path'],
    ['oci:out:', 'has an empty tag'],
    ['oci:out:a b', "has the tag 'a b'"],
    ['oci:C:\\images:v1', "has the tag '\\images:v1'"],
    ['docker-archive:a.tar:UPPER', 'has upper case'],
    [`docker-archive:a.tar:x@sha256:${'a'.repeat(64)}`, 'has a digest'],
    ['docker://', 'names no repository'],
  ])('%j is refused', (text, message) => {
    expect(() => parseTransport(text)).toThrow(expect.objectContaining({ code: 'REFERENCE_INVALID' }))
    expect(() => parseTransport(text)).toThrow(message)
  })
})
