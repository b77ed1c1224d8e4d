import { expect, test } from 'vitest'
import { formatReference, parseReference } from '../../src/oci/reference.ts'

const HEX = 'a'.repeat(64)
const DIGEST = `sha256:${HEX}`

test.each([
  ['debian', 'docker.io/library/debian:latest'],
  ['debian:bookworm-slim', 'docker.io/library/debian:bookworm-slim'],
  ['bitnami/memcached', 'docker.io/bitnami/memcached:latest'],
  ['docker.io/debian', 'docker.io/library/debian:latest'],
  ['index.docker.io/library/debian:12', 'docker.io/library/debian:12'],
  [`debian@${DIGEST}`, `docker.io/library/debian@${DIGEST}`],
  [`debian:12@${DIGEST}`, `docker.io/library/debian:12@${DIGEST}`],
  ['localhost/x', 'localhost/x:latest'],
  ['localhost:5000/x', 'localhost:5000/x:latest'],
  ['registry:5000/x:5', 'registry:5000/x:5'],
  ['REGISTRY.Example.com/team/x', 'registry.example.com/team/x:latest'],
  ['[::1]:5000/a/b/c:v1', '[::1]:5000/a/b/c:v1'],
  ['[2001:db8::1]/x', '[2001:db8::1]/x:latest'],
  ['127.0.0.1:5000/a.b/c__d/e--f_g:_x.Y-1', '127.0.0.1:5000/a.b/c__d/e--f_g:_x.Y-1'],
  ['xn--7o8h.com/myimage', 'xn--7o8h.com/myimage:latest'],
  ['foo:5000', 'docker.io/library/foo:5000'],
  [`a/${'b'.repeat(100)}:${'c'.repeat(128)}`, `docker.io/a/${'b'.repeat(100)}:${'c'.repeat(128)}`],
])('%s means %s, which means itself', (text, normal) => {
  expect(formatReference(parseReference(text))).toBe(normal)
  expect(parseReference(normal)).toEqual(parseReference(text))
})

test.each([
  ['', 'names no repository'],
  ['Debian', "upper case in 'Debian'"],
  ['example.com/Team/app', "upper case in 'Team'"],
  ['Team/app', "upper case in 'Team'"],
  ['https://registry.example.com/x', "starts with 'https://'"],
  ['docker://debian', "starts with 'docker://'"],
  ['a//b', 'empty path component'],
  ['/debian', 'empty path component'],
  ['example.com/', 'empty path component'],
  ['debian:', 'empty tag'],
  ['debian:-x', "the tag '-x'"],
  [`debian:${'x'.repeat(129)}`, 'the tag'],
  ['debian:a b', "the tag 'a b'"],
  ['debian@sha256:abc', "the digest 'sha256:abc'"],
  [`debian@sha512:${HEX}${HEX}`, 'the digest'],
  [`debian@${DIGEST.toUpperCase()}`, 'the digest'],
  [HEX, 'form of an image id'],
  ['a..b/c', "registry 'a..b'"],
  ['-a.com/c', "registry '-a.com'"],
  ['host:0/c', "registry 'host:0'"],
  ['host:99999/c', "registry 'host:99999'"],
  ['host:x/c', "registry 'host:x'"],
  ['user:secret@example.com/x', 'digest'],
  ['[::g]:5000/x', "registry '[::g]:5000'"],
  ['0:5000/x', "registry '0:5000', which is 0.0.0.0:5000"],
  ['127.1/x', "registry '127.1', which is 127.0.0.1"],
  ['0x7f.0.0.1:80/x', "registry '0x7f.0.0.1:80', which is 127.0.0.1:80"],
  ['[0:0::1]:5000/x', "registry '[0:0::1]:5000', which is [::1]:5000"],
  ['host:05000/x', "registry 'host:05000', which is host:5000"],
  ['a_/b', "'a_'"],
  ['a/b___c', "'b___c'"],
  ['a/../b', "'..'"],
  ['x/y\u001b[31m', '?[31m'],
  [`${'a/'.repeat(130)}b`, 'at most 255'],
])('%s is refused, and the error says what is wrong', (text, fault) => {
  expect(() => parseReference(text)).toThrow(
    expect.objectContaining({ code: 'REFERENCE_INVALID', message: expect.stringContaining(fault) }),
  )
})
