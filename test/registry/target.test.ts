import { expect, test } from 'vitest'
import { checkLed } from '../../src/registry/target.ts'

const INSECURE = new Set(['lan.example.com:5000'])

test.each([
  ['https://a.example.com/', 'https://storage.example.com/x?sig=1'],
  ['https://a.example.com/', 'https://10.0.0.1/x'],
  ['http://lan.example.com:5000/', 'https://a.example.com/'],
  ['http://127.0.0.1:5000/', 'http://lan.example.com:5000/'],
  ['http://127.0.0.1:5000/', 'http://[::1]:6000/'],
])('an answer of %s may lead to %s', (from, to) => {
  expect(() => checkLed(new URL(to), new URL(from), INSECURE)).not.toThrow()
})

test.each([
  ['https://a.example.com/', 'http://lan.example.com:5000/', 'asked by https'],
  ['https://a.example.com/', 'http://a.example.com/', 'plain http'],
  ['http://lan.example.com:5000/', 'http://lan.example.com:5001/', 'plain http'],
  ['https://a.example.com/', 'https://localhost/', 'another machine'],
  ['https://a.example.com/', 'https://127.9.9.9/', 'another machine'],
  ['https://a.example.com/', 'https://2130706433/', 'another machine'],
  ['https://a.example.com/', 'https://[::ffff:127.0.0.1]/', 'another machine'],
  ['https://a.example.com/', 'https://0.0.0.0/', 'another machine'],
  ['https://a.example.com/', 'https://0/', 'another machine'],
  ['https://a.example.com/', 'https://[::]/', 'another machine'],
  ['https://a.example.com/', 'https://[::ffff:0:0]/', 'another machine'],
  ['https://a.example.com/', 'https://registry.localhost/', 'another machine'],
  ['https://a.example.com/', 'https://x.LOCALHOST./', 'another machine'],
  ['http://lan.example.com:5000/', 'http://127.0.0.1:2375/', 'another machine'],
  ['http://127.0.0.1:5000/', 'http://169.254.170.2/', 'link-local'],
  ['https://a.example.com/', 'https://[fd00:ec2::254]/', 'link-local'],
])('an answer of %s may not lead to %s', (from, to, why) => {
  expect(() => checkLed(new URL(to), new URL(from), INSECURE)).toThrow(
    expect.objectContaining({ code: 'REGISTRY_ERROR', message: expect.stringContaining(why) }),
  )
})
