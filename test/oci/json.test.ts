import { describe, expect, it } from 'vitest'
import { DOCUMENT_LIMIT, readJsonObject, writeJson } from '../../src/oci/json.ts'

const read = (text: string | Buffer) => readJsonObject(Buffer.from(text), 'config x', 'CONFIG_INVALID')

describe('reading a document', () => {
  it.each([
    ['empty', '', 'config x is not JSON: it is empty.'],
    ['no JSON', '{"a":}', 'config x is not JSON'],
    ['null', 'null', 'config x is null; wanted a JSON object.'],
    ['an array', '[1]', 'config x is [1]; wanted a JSON object.'],
    ['a byte order mark', '\ufeff{}', 'config x is not JSON'],
    ['bytes that are no UTF-8', Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]), 'config x is not JSON'],
    ['a name twice', '{"a":1,"a":1}', 'config x has the name "a" twice in one object.'],
    ['a name twice, one of them escaped', '{"a":1,"\\u0061":2}', 'config x has the name "a" twice in one object.'],
    ['a name twice far inside', '{"x":[{"y":{"b":1,"c":{},"b":2}}]}', 'config x has the name "b" twice'],
    ['65 levels', `{"a":${'['.repeat(64)}${']'.repeat(64)}}`, 'config x is nested deeper than 64 levels.'],
    ['a million levels', `{"a":${'['.repeat(1e6)}${']'.repeat(1e6)}}`, 'config x is nested deeper than 64 levels.'],
    ['more than 4 MiB', `{"a":"${'x'.repeat(DOCUMENT_LIMIT)}"}`, `at most ${DOCUMENT_LIMIT} are read.`],
  ])('refuses %s', (_, text, message) => {
    expect(() => read(text)).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }))
    expect(() => read(text)).toThrow(message)
  })

  it.each([
    ['the same name in two objects', '{"a":{"n":1},"b":{"n":2}}'],
    ['a text that looks like a name', '{"a":"\\"a\\":1,","b":["a","a"],"c":"{\\"a\\":1,\\"a\\":2}"}'],
    ['64 levels', `{"a":${'['.repeat(63)}${']'.repeat(63)}}`],
    ['names that objects have anyway', '{"__proto__":{"constructor":1},"toString":2}'],
    ['white space around the colon', '{ "a" :\n1 , "b"\t: { } }'],
  ])('reads %s as JSON.parse does', (_, text) => {
    expect(read(text)).toEqual(JSON.parse(text))
  })

  it('keeps the name __proto__ a field like any other', () => {
    expect(Object.keys(read('{"__proto__":{"a":1}}'))).toEqual(['__proto__'])
  })
})

describe('writing a document', () => {
  it('writes names in the order in which they were put, without white space and without what is undefined', () => {
    expect(writeJson({ b: 1, a: undefined, c: ['ü', { z: 0, y: 0 }] }).toString()).toBe(
      '{"b":1,"c":["ü",{"z":0,"y":0}]}',
    )
  })
})
