import { expect, test } from 'vitest'
import { type PurlParts, purl } from '../../src/sbom/purl.ts'

/** Most are of the specification's own examples and tests, in their canonical form. */
test.each<[PurlParts, string]>([
  [
    {
      type: 'deb',
      namespace: 'debian',
      name: 'curl',
      version: '7.50.3-1',
      qualifiers: { distro: 'jessie', arch: 'i386' },
    },
    'pkg:deb/debian/curl@7.50.3-1?arch=i386&distro=jessie',
  ],
  [{ type: 'npm', namespace: '@angular', name: 'animation', version: '12.3.1' }, 'pkg:npm/%40angular/animation@12.3.1'],
  [{ type: 'pypi', name: 'django', version: '1.11.1' }, 'pkg:pypi/django@1.11.1'],
  [
    {
      type: 'apk',
      namespace: 'alpine',
      name: 'curl',
      version: '7.83.0-r0',
      qualifiers: { arch: 'x86', upstream: undefined },
    },
    'pkg:apk/alpine/curl@7.83.0-r0?arch=x86',
  ],
  [
    {
      type: 'oci',
      name: 'debian',
      version: 'sha256:244fd47e',
      qualifiers: { repository_url: 'ghcr.io/debian', tag: '' },
    },
    'pkg:oci/debian@sha256:244fd47e?repository_url=ghcr.io%2Fdebian',
  ],
  [
    { type: 'deb', namespace: 'debian', name: 'g++-12', version: '4:12.2.0-14+deb12u1~1' },
    'pkg:deb/debian/g%2B%2B-12@4:12.2.0-14%2Bdeb12u1~1',
  ],
  [{ type: 'generic', name: "a b/c?d#e@f!'()*%" }, 'pkg:generic/a%20b%2Fc%3Fd%23e%40f%21%27%28%29%2A%25'],
  [{ type: 'generic', name: 'ä\ud800' }, 'pkg:generic/%C3%A4%EF%BF%BD'],
])('the purl of %j', (parts, expected) => {
  expect(purl(parts)).toBe(expected)
})
