import { expect, test } from 'vitest'
import { parseChallenges } from '../../src/registry/challenge.ts'

function plain(header: string) {
  return parseChallenges(header).map(({ scheme, parameters }) => [scheme, Object.fromEntries(parameters)])
}

test.each([
  ['', []],
  ['Basic', [['basic', {}]]],
  ['Basic realm="a, b"', [['basic', { realm: 'a, b' }]]],
  [
    'Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:a/b:pull,push"',
    [
      [
        'bearer',
        { realm: 'https://auth.docker.io/token', service: 'registry.docker.io', scope: 'repository:a/b:pull,push' },
      ],
    ],
  ],
  ['bearer Realm=x , SERVICE = "y"', [['bearer', { realm: 'x', service: 'y' }]]],
  [
    'Negotiate YWJj==, NTLM, Basic realm="x", Bearer realm="y"',
    [
      ['negotiate', {}],
      ['ntlm', {}],
      ['basic', { realm: 'x' }],
      ['bearer', { realm: 'y' }],
    ],
  ],
  ['Basic realm="say \\"hi\\", \\\\o/"', [['basic', { realm: 'say "hi", \\o/' }]]],
  ['Basic realm="one", realm="two"', [['basic', { realm: 'one' }]]],
  ['Bearer realm="",service=""', [['bearer', { realm: '', service: '' }]]],
  [', ,Basic realm=x,,', [['basic', { realm: 'x' }]]],
  ['Bearer error="insufficient_scope",realm="r"', [['bearer', { error: 'insufficient_scope', realm: 'r' }]]],
  ['Basic realm="never closed', [['basic', {}]]],
  ['"no scheme"', []],
  [
    'Bearer realm="x", Basic',
    [
      ['bearer', { realm: 'x' }],
      ['basic', {}],
    ],
  ],
  ['Basic __proto__="x"', [['basic', Object.fromEntries([['__proto__', 'x']])]]],
])('%s', (header, expected) => {
  expect(plain(header)).toEqual(expected)
})

// With quadratic work this takes minutes: what ends it then is the runner's limit.
test('a header of a megabyte is read in linear time', () => {
  expect(parseChallenges(`Basic ${'a="b,'.repeat(200_000)}`)).toBeDefined()
  expect(parseChallenges('a '.repeat(500_000))).toBeDefined()
  expect(parseChallenges(`Basic realm="${'\\'.repeat(1_000_000)}`)).toBeDefined()
})
