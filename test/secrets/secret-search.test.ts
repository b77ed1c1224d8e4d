import { generateKeyPairSync, randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { nativeCode } from '../../src/oci/native-code.ts'
import { NativeNeedles } from '../../src/secrets/native-needles.ts'
import { type Found, SecretPatterns, SecretSearch } from '../../src/secrets/secret-search.ts'
import { type SecretValue, secretText, valuesOf } from '../../src/secrets/secret-values.ts'
import { SkipTable } from '../../src/secrets/skip-table.ts'
import { examples, token } from '../support/secrets.ts'

function searched(bytes: Uint8Array | string, values: readonly SecretValue[] = [], where: 'news' | 'base' = 'news') {
  const search = new SecretSearch(new SecretPatterns(values, where))
  search.push(Buffer.from(bytes))
  return search.end()
}

const shown = (found: readonly Found[]) => found.map(({ kind, at, needle }) => [kind, at, needle?.form])

const VALUE = 'Tr0ub4dor&3 "horse"/ü'
const values = [secretText('the password', VALUE)]

describe('the value of a credential', () => {
  it.each([
    ['as it is', VALUE, ''],
    ['in base64', Buffer.from(VALUE).toString('base64'), 'base64'],
    ['in base64 behind a user name', Buffer.from(`me:${VALUE}`).toString('base64'), 'base64'],
    ['in base64 behind a longer one', Buffer.from(`baker:${VALUE}!`).toString('base64'), 'base64'],
    ['in base64 for URLs', Buffer.from(`?>${VALUE}`).toString('base64url'), 'base64'],
    ['url-encoded', encodeURIComponent(VALUE), 'url-encoded'],
    ['url-encoded in small letters', encodeURIComponent(VALUE).replace(/%../g, (c) => c.toLowerCase()), 'url-encoded'],
    ['as a field of a form', new URLSearchParams({ v: VALUE }).toString(), 'url-encoded'],
    ['as JSON has it', JSON.stringify({ v: VALUE }), 'escaped'],
  ])('is found %s', (_, text, form) => {
    expect(searched(`before ${text} after`, values).map(({ needle }) => needle?.form)).toContain(form)
    const middle = text.length >> 1
    expect(searched(`before ${text.slice(0, middle)}${text.slice(middle + 1)} after`, values)).toEqual([])
  })

  it('is found wherever it begins in what base64 encodes', () => {
    fc.assert(
      fc.property(
        fc.uint8Array(),
        fc.uint8Array(),
        fc.string({ minLength: 16, unit: 'grapheme' }),
        (before, after, text) => {
          const value = `aB1$${text}`
          const bytes = Buffer.concat([before, Buffer.from(value), after])
          for (const encoding of ['base64', 'base64url'] as const) {
            const found = searched(bytes.toString(encoding), [secretText('it', value)])
            expect(found.map(({ needle }) => needle?.form)).toContain('base64')
          }
        },
      ),
    )
  })

  it.each(['short1!', 'password', 'aaaaaaaaaaaaaaaaaaaa', 'changeit'])('is not looked for when it is %s', (value) => {
    expect(searched(`is ${value} here`, [secretText('it', value)])).toEqual([])
  })

  it('has to be longer to be looked for in the files of a base', () => {
    const medium = [secretText('it', 'S3cret-pass')]
    expect(shown(searched('S3cret-pass', medium))).toEqual([['credential', 0, '']])
    expect(searched('S3cret-pass', medium, 'base')).toEqual([])
    const long = [secretText('it', 'S3cret-password-of-16')]
    expect(shown(searched('S3cret-password-of-16', long, 'base'))).toEqual([['credential', 0, '']])
  })
})

it('secrets at one place are told in the order of their values, whatever looks for them', () => {
  const two = [secretText('long', 'Tr0ub4dor and more words #{}~^'), secretText('short', 'Tr0ub4dor and more')]
  for (const values of [two, two.toReversed()]) {
    const patterns = new SecretPatterns(values, 'news')
    const all = patterns.needles.map(({ bytes }) => bytes)
    const tables = [
      new SkipTable(all),
      new NativeNeedles(all, nativeCode()!),
      new NativeNeedles(all, nativeCode()!.plain),
    ]
    const named = tables.map((table) => {
      const search = new SecretSearch(Object.create(patterns, { table: { value: table } }))
      search.push(Buffer.from('the Tr0ub4dor and more words #{}~^ are here'))
      return search.end().map(({ needle }) => needle?.name)
    })
    const inOrder = values.map(({ name }) => name)
    expect(named).toEqual([inOrder, inOrder, inOrder])
  }
})

describe('a secret that is a file', () => {
  it('is found by each random word in it, and not by what any such file has', () => {
    const npmrc = `registry=https://registry.example.com/npm/team\n//registry.example.com/:_authToken=${token('in npmrc')}\n`
    const npm = valuesOf('npmrc', Buffer.from(npmrc))
    expect(searched(`TOKEN=${token('in npmrc')}`, npm).map(({ kind }) => kind)).toEqual(['credential'])
    expect(searched('registry=https://registry.example.com/npm/team', npm)).toEqual([])
    const key = valuesOf('key', Buffer.from(examples()['private-key']!))
    expect(searched(examples()['private-key']!.split('\n')[5]!, key)).toHaveLength(1)
    expect(searched('-----BEGIN PRIVATE KEY-----', key)).toEqual([])
  })

  it('may be no text', () => {
    const bytes = randomBytes(700)
    expect(shown(searched(Buffer.concat([Buffer.from('x'), bytes]), valuesOf('it', bytes)))).toEqual([
      ['credential', 1 + 700 - 512, ''],
    ])
  })
})

describe('a key that is known by its looks', () => {
  it.each(Object.keys(examples()))('is found: %s', (name) => {
    const text = examples()[name]
    const kind = name.split(',')[0]
    expect(searched(`\n${text}\n`).map((found) => found.kind)).toEqual([kind])
    expect(searched(`\n${text}\n`, [], 'base')).toEqual([])
  })

  it.each(['GITHUB', 'GITLAB', 'SLACK', 'NPM'])('is found behind =, as variables have it: %s', (name) => {
    const kind = `${name.toLowerCase()}-token`
    expect(searched(`export ${name}_TOKEN=${examples()[kind]}\n`).map((found) => found.kind)).toEqual([kind])
  })

  it.each([
    ["Amazon's example", 'AKIAIOSFODNN7EXAMPLE wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY'],
    ['an id of AWS alone', 'user AKIAQYLPMN5HFIQR7XYA did that'],
    ['what programs print around a key', '-----BEGIN PRIVATE KEY-----\0%s\0-----END PRIVATE KEY-----'],
    ['a key in a program', `tests\0${examples()['private-key, small']}\0`],
    ['a key with its middle left out', '-----BEGIN RSA PRIVATE KEY-----\nMIIEow...\n-----END RSA PRIVATE KEY-----'],
    ['a certificate', '-----BEGIN CERTIFICATE-----\nMIIBszCCAVmgAwIBAgIUd\n-----END CERTIFICATE-----'],
    ['a public key', generateKeyPairSync('ed25519').publicKey.export({ type: 'spki', format: 'pem' }).toString()],
    ['a token that is a variable', `//registry.example.com/:_authToken=$${'{NPM_TOKEN_OF_JOB_12}'}`],
    ['a variable of a program', `const basic_authToken = "${token('program')}"`],
    ['a token that is a word', '//registry.example.com/:_authToken=MYTOKEN'],
    ['logins that a helper keeps', '{"auths":{"ghcr.io":{}},"credsStore":"desktop"}'],
    ['a login of documentation', '{"auths":{"ghcr.io":{"auth":"dXNlcm5hbWU6cGFzc3dvcmQ="}}}'],
    ['a token of documentation', 'ghp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx'],
    ['a part of a longer word', 'weighp_Zm9vYmFyYmF6cXV4MTIzNDU2Nzg5MGFiY2Rl'],
  ])('is not %s', (_, text) => {
    expect(searched(text)).toEqual([])
  })
})

describe('bytes in chunks', () => {
  const all = [VALUE, ...Object.values(examples())]
  const noise = Buffer.from(Array.from({ length: 1_300_000 }, (_, i) => (i * i * 31 + (i >> 7)) & 0xff))

  it('give the same wherever they are cut', () => {
    const place = fc.integer({ min: 0, max: noise.length - 20_000 })
    const places = fc.array(fc.tuple(place, fc.constantFrom(...all)), { maxLength: 8 })
    const cuts = fc.array(fc.integer({ min: 0, max: noise.length }), { maxLength: 20 })
    const search = new SecretSearch(new SecretPatterns(values, 'news'))
    fc.assert(
      fc.property(places, cuts, (secrets, at) => {
        const bytes = Buffer.from(noise)
        for (const [offset, text] of secrets) bytes.write(`\n${text}\n`, offset)
        const whole = searched(bytes, values)
        const borders = [0, ...at.sort((a, b) => a - b), bytes.length]
        for (const [i, start] of borders.entries()) search.push(bytes.subarray(start, borders[i + 1]))
        expect(search.end()).toEqual(whole)
      }),
      { numRuns: 40 },
    )
  })

  it('find a secret at every place around the end of a megabyte', () => {
    const key = examples()['private-key']!
    for (let at = (1 << 20) - key.length - 40; at < (1 << 20) + 60; at += 17) {
      const bytes = Buffer.from(noise)
      bytes.write(`\n${key}\n${VALUE}\n`, at)
      expect(shown(searched(bytes, values))).toEqual([
        ['private-key', at + 1, undefined],
        ['credential', at + key.length + 2, ''],
      ])
    }
  })

  it('that belong to several ranges have no secret across a border', () => {
    const text = `x${VALUE}x${VALUE}x`
    const size = Buffer.byteLength(VALUE)
    const ranges = [
      { start: 0, end: size },
      { start: size + 2, end: 2 * size + 2 },
    ]
    const search = new SecretSearch(new SecretPatterns(values, 'news'), (at) =>
      ranges.find(({ start, end }) => at >= start && at < end),
    )
    search.push(Buffer.from(text))
    expect(shown(search.end())).toEqual([['credential', size + 2, '']])
  })
})
