import fc from 'fast-check'
import { expect, test } from 'vitest'
import { OcibakeError } from '../../src/errors.ts'
import { parseNoProxy } from '../../src/network/no-proxy.ts'
import { ProxyRules } from '../../src/network/proxy.ts'
import { parseChallenges } from '../../src/registry/challenge.ts'
import { environmentCredentials } from '../../src/registry/credential-env.ts'
import { credentialKey, entryCredentials } from '../../src/registry/credential-file.ts'
import { ecrService } from '../../src/registry/ecr-host.ts'
import { parseLoginTarget } from '../../src/registry/login.ts'
import { parseMirror } from '../../src/registry/mirrors.ts'
import { checkRealm } from '../../src/registry/realm.ts'

/** What anybody may have written; fast-check prints seed and counterexample. */
const text = fc.oneof(
  fc.string(),
  fc.string({ unit: 'binary' }),
  fc.stringMatching(/^[a-z0-9.:/=@%[\]"',<> -]{0,60}$/),
  fc.webUrl({ withQueryParameters: true, withFragments: true }),
)

/** What `work` gives, or undefined for an error that is meant for people. @throws everything else */
function orRefused<T>(work: () => T): T | undefined {
  try {
    return work()
  } catch (error) {
    if (error instanceof OcibakeError) return undefined
    throw error
  }
}

test('a challenge is parsed, whatever it is, and its parameters are what stood there', () => {
  fc.assert(
    fc.property(text, (header) => {
      for (const { scheme, parameters } of parseChallenges(header)) {
        expect(header.toLowerCase()).toContain(scheme)
        for (const name of parameters.keys()) expect(header.toLowerCase()).toContain(name)
      }
    }),
  )
  const token = fc.stringMatching(/^[a-z]{1,8}$/)
  const value = fc.string({ unit: 'grapheme-ascii' })
  fc.assert(
    fc.property(token, fc.dictionary(token, value, { noNullPrototype: true }), (scheme, parameters) => {
      const quoted = Object.entries(parameters).map(([name, one]) => `${name}="${one.replace(/["\\]/g, '\\$&')}"`)
      const expected = { scheme, parameters: new Map(Object.entries(parameters)) }
      expect(parseChallenges(`${scheme} ${quoted.join(', ')}, Basic realm="x"`)[0]).toEqual(expected)
    }),
  )
})

test('a realm that is taken is https, loopback from loopback, or of the registry itself', () => {
  const endpoints = ['https://registry.example.com/', 'http://127.0.0.1:5000/', 'http://lan.example.com:5000/']
  const insecure = new Set(['lan.example.com:5000'])
  fc.assert(
    fc.property(text, fc.constantFrom(...endpoints), (realm, origin) => {
      const endpoint = new URL(origin)
      const access = { registry: endpoint.host, endpoint, repository: 'a', scopes: [] }
      const url = orRefused(() => checkRealm(realm, access, insecure))
      if (url === undefined || url.protocol === 'https:' || url.host === endpoint.host) return
      expect([url.hostname, endpoint.hostname]).toEqual([
        expect.stringMatching(/^(localhost|127\.|\[::1\])/),
        '127.0.0.1',
      ])
    }),
  )
})

test('a variable is credentials for a host that it names, or refused without being shown', () => {
  fc.assert(
    fc.property(text, (value) => {
      try {
        for (const key of environmentCredentials({ OCIBAKE_REGISTRY_TOKEN: value }).keys()) {
          expect(value.toLowerCase()).toContain(key === 'docker.io' ? 'docker.io' : key.split('/')[0])
        }
      } catch (error) {
        if (!(error instanceof OcibakeError)) throw error
        expect(error.message).toBe('OCIBAKE_REGISTRY_TOKEN does not say what is for which registry.')
      }
    }),
  )
})

test('an entry of a credentials file is a login, nothing, or refused without being shown', () => {
  const field = fc.oneof(fc.string({ minLength: 8 }), fc.constant(''), fc.integer(), fc.constant(null))
  const fields = ['auth', 'username', 'password', 'identitytoken', 'registrytoken'] as const
  const entry = fc.record(Object.fromEntries(fields.map((name) => [name, field])), { requiredKeys: [] })
  fc.assert(
    fc.property(entry, (one) => {
      try {
        const found = entryCredentials(one, 'host', '/file')
        if (found?.kind === 'password') expect(found.username).not.toContain(':')
      } catch (error) {
        if (!(error instanceof OcibakeError)) throw error
        expect(error.message).toMatch(
          /^\/file has (no string|no base64 of user:password|a colon) at auths\["host"\]\.[a-z]+\.$/,
        )
      }
    }),
  )
})

test('names of hosts that strangers chose are read or refused, and read again as the same', () => {
  fc.assert(
    fc.property(text, (name) => {
      const key = credentialKey(name)
      if (key !== undefined && !key.includes('://')) expect(key.split('/')[0]).toBe(key.split('/')[0]!.toLowerCase())
      const target = orRefused(() => parseLoginTarget(name))
      if (target !== undefined) expect(parseLoginTarget(target.key)).toEqual(target)
      orRefused(() => parseMirror(name))
    }),
  )
})

test('no host is one of ECR unless it ends in a domain of Amazon', () => {
  const part = fc.constantFrom(
    '123456789012',
    '.dkr.ecr',
    '.dkr-ecr',
    '-fips',
    '.eu-west-1',
    '.amazonaws.com',
    '.on.aws',
  )
  const end = fc.constantFrom('', '.cn', '.evil.example', ':443', '/', '.', '\n')
  fc.assert(
    fc.property(fc.array(part, { maxLength: 6 }), end, text, (parts, last, other) => {
      for (const host of [parts.join('') + last, parts.join('') + other, other]) {
        if (ecrService(host) !== undefined) {
          expect(host).toMatch(/^(\d{12}\.dkr[.-]ecr(-fips)?\.eu-west-1\.(amazonaws\.com|on\.aws)|public\.ecr\.aws)$/)
        }
      }
    }),
  )
})

test('proxies and exceptions are read or refused, and an exception holds for its own name', () => {
  fc.assert(
    fc.property(text, fc.webUrl(), (value, address) => {
      const url = new URL(address)
      expect(typeof parseNoProxy(value)(url)).toBe('boolean')
      expect(parseNoProxy(`${value.replace(/[\s,]/g, '')},${url.hostname}`)(url)).toBe(true)
      orRefused(() => new ProxyRules({ https_proxy: value, http_proxy: value }).proxyFor(url))
    }),
  )
})
