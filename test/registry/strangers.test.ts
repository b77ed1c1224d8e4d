import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type ErrorCode, OcibakeError } from '../../src/errors.ts'
import { readContentRange } from '../../src/network/content-range.ts'
import { parseNoProxy } from '../../src/network/no-proxy.ts'
import { ProxyRules } from '../../src/network/proxy.ts'
import { parseChallenges } from '../../src/registry/challenge.ts'
import { environmentCredentials } from '../../src/registry/credential-env.ts'
import { credentialKey, entryCredentials } from '../../src/registry/credential-file.ts'
import { ecrService } from '../../src/registry/ecr-host.ts'
import { parseLoginTarget } from '../../src/registry/login.ts'
import { parseMirror } from '../../src/registry/mirrors.ts'
import { checkRealm } from '../../src/registry/realm.ts'
import { waitBefore } from '../../src/registry/retry.ts'
import { checkLed } from '../../src/registry/target.ts'
import { fuzz, orRefused } from '../support/fuzz.ts'

/** What anybody may have written; fast-check prints seed and counterexample. */
const text = fc.oneof(
  fc.string(),
  fc.string({ unit: 'binary' }),
  fc.stringMatching(/^[a-z0-9.:/=@%[\]"',<> -]{0,60}$/),
  fc.webUrl({ withQueryParameters: true, withFragments: true }),
)

/** What `work` gives, or undefined for an error that is meant for people. @throws everything else */
function orNothing<T>(code: ErrorCode, work: () => T): T | undefined {
  const outcome = orRefused([code], work)
  return outcome instanceof OcibakeError ? undefined : outcome
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
    fuzz(),
  )
})

test('a realm that is taken is https, loopback from loopback, or of the registry itself', () => {
  const endpoints = ['https://registry.example.com/', 'http://127.0.0.1:5000/', 'http://lan.example.com:5000/']
  const insecure = new Set(['lan.example.com:5000'])
  fc.assert(
    fc.property(text, fc.constantFrom(...endpoints), (realm, origin) => {
      const endpoint = new URL(origin)
      const access = { registry: endpoint.host, endpoint, repository: 'a', scopes: [] }
      const url = orNothing('REGISTRY_ERROR', () => checkRealm(realm, access, insecure))
      if (url === undefined || url.protocol === 'https:' || url.host === endpoint.host) return
      expect([url.hostname, endpoint.hostname]).toEqual([
        expect.stringMatching(/^(localhost|127\.|\[::1\])/),
        '127.0.0.1',
      ])
    }),
    fuzz(),
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
    fuzz(),
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
    fuzz(),
  )
})

test('names of hosts that strangers chose are read or refused, and read again as the same', () => {
  fc.assert(
    fc.property(text, (name) => {
      const key = credentialKey(name)
      if (key !== undefined && !key.includes('://')) expect(key.split('/')[0]).toBe(key.split('/')[0]!.toLowerCase())
      const target = orNothing('USAGE', () => parseLoginTarget(name))
      if (target !== undefined) expect(parseLoginTarget(target.key)).toEqual(target)
      orNothing('USAGE', () => parseMirror(name))
    }),
    fuzz(),
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
    fuzz(),
  )
})

test('proxies and exceptions are read or refused, and an exception holds for its own name', () => {
  fc.assert(
    fc.property(text, fc.webUrl(), (value, address) => {
      const url = new URL(address)
      expect(typeof parseNoProxy(value)(url)).toBe('boolean')
      expect(parseNoProxy(`${value.replace(/[\s,]/g, '')},${url.hostname}`)(url)).toBe(true)
      orNothing('USAGE', () => new ProxyRules({ https_proxy: value, http_proxy: value }).proxyFor(url))
    }),
    fuzz(),
  )
})

test('a Content-Range is exact numbers in their order, or none', () => {
  const count = fc.nat(2 ** 31)
  fc.assert(
    fc.property(count, count, fc.option(count), (first, more, rest) => {
      const total = rest === null ? undefined : first + more + rest + 1
      const header = `bytes ${first}-${first + more}/${total ?? '*'}`
      expect(readContentRange(header)).toEqual({ first, last: first + more, total })
    }),
    fuzz(),
  )
  const like = fc.stringMatching(/^ ?(bytes|items)[ =]?[0-9-]{0,20}-[0-9]{0,20}\/([0-9]{0,20}|\*) ?$/)
  fc.assert(
    fc.property(fc.oneof(text, like), (header) => {
      const range = readContentRange(header)
      if (range === undefined) return
      const { first, last, total = Number.MAX_SAFE_INTEGER } = range
      expect([first, last, total].every(Number.isSafeInteger)).toBe(true)
      expect(first <= last && last < total).toBe(true)
    }),
    fuzz(300),
  )
})

test('whatever Retry-After says, a wait is whole milliseconds within its bound', () => {
  const timing = { attempts: 5, backoff: 500, longestWait: 60_000, idle: 1, settle: 1 }
  const dates = fc.date({ noInvalidDate: false }).map((date) => (Number.isNaN(+date) ? 'Invalid' : date.toUTCString()))
  fc.assert(
    fc.property(fc.oneof(text, dates, fc.integer().map(String)), fc.integer({ min: 1, max: 60 }), (header, attempt) => {
      const wait = waitBefore(attempt, header, timing)
      expect(Number.isInteger(wait) && wait >= 0 && wait <= 60_000).toBe(true)
    }),
    fuzz(300),
  )
})

test('no Location or redirect leads out of http(s), from https to http, with a login, or into this machine', () => {
  const place = fc.oneof(
    text,
    fc.stringMatching(
      /^(https?:)?\/\/([a-z]{1,5}:[a-z]{1,5}@)?(0|127|10|169\.254|0x7f|[a-z]{1,9})\.[a-z0-9.]{1,12}(:[0-9]{1,5})?\/x$/,
    ),
    fc.constantFrom('https://localhost./', 'https://[::ffff:7f00:1]/', 'https://LOCALHOST:1/', 'https://0/', '//[::]/'),
  )
  const from = fc.constantFrom('https://registry.example.com/v2/', 'http://lan.example.com:5000/v2/')
  const insecure = new Set(['lan.example.com:5000'])
  fc.assert(
    fc.property(place, from, (location, base) => {
      if (!URL.canParse(location, base)) return
      const to = new URL(location, base)
      if (orRefused(['REGISTRY_ERROR'], () => checkLed(to, new URL(base), insecure)) instanceof OcibakeError) return
      const isPlain = to.host === 'lan.example.com:5000' && base.startsWith('http:')
      expect(to.protocol).toBe(isPlain ? to.protocol : 'https:')
      expect(to.username + to.password).toBe('')
      expect(to.hostname).not.toMatch(/^((127|0|169\.254)\.[0-9.]*[0-9]|\[::1?\]|\[::ffff:(7f|a9fe).*|.*localhost)\.?$/)
    }),
    fuzz(500),
  )
})
