import { expect, test } from 'vitest'
import { parseNoProxy } from '../../src/network/no-proxy.ts'

test.each([
  ['*', 'https://anything.example/'],
  ['a.example, registry.example.com', 'https://registry.example.com/'],
  ['example.com', 'https://registry.example.com/'],
  ['example.com', 'https://EXAMPLE.com./'],
  ['.example.com', 'https://registry.example.com/'],
  ['*.example.com', 'https://a.b.example.com/'],
  ['example.com:443', 'https://registry.example.com/'],
  ['example.com:80', 'http://example.com/'],
  ['example.com:5000', 'https://example.com:5000/'],
  ['10.0.0.0/8 192.168.1.7', 'https://10.200.3.4:5000/'],
  ['10.0.0.0/8 192.168.1.7', 'http://192.168.1.7/'],
  ['192.168.1.7:5000', 'http://192.168.1.7:5000/'],
  ['fd00::/8', 'https://[fd12::1]/'],
  ['fd12:0:0::1', 'https://[fd12::1]:5000/'],
  ['[fd12::1]:5000', 'https://[fd12::1]:5000/'],
])('NO_PROXY=%s: %s is asked directly', (text, url) => {
  expect(parseNoProxy(text)(new URL(url))).toBe(true)
})

test.each([
  ['', 'https://registry.example.com/'],
  ['example.com', 'https://evil-example.com/'],
  ['example.com', 'https://example.com.evil.example/'],
  ['.example.com', 'https://example.com/'],
  ['*.example.com', 'https://example.com/'],
  ['example.com:5000', 'https://example.com/'],
  ['example.com:443', 'http://example.com/'],
  ['10.0.0.0/8', 'https://11.0.0.1/'],
  ['10.0.0.0/8', 'https://10.0.0.0.example.com/'],
  ['10.0.0.0/33', 'https://10.0.0.1/'],
  ['192.168.1.7:5000', 'http://192.168.1.7:5001/'],
  ['fd00::/8', 'https://[fe00::1]/'],
  ['exa*ple.com', 'https://example.com/'],
])('NO_PROXY=%s: %s is asked by the proxy', (text, url) => {
  expect(parseNoProxy(text)(new URL(url))).toBe(false)
})
