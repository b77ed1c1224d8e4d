import { describe, expect, it } from 'vitest'
import { type ImageConfig, parseConfig, scratchConfig, writeConfig } from '../../src/oci/config.ts'

const A = `sha256:${'a'.repeat(64)}`
const MINIMAL = { architecture: 'amd64', os: 'linux', rootfs: { type: 'layers', diff_ids: [A] } }

const parse = (value: unknown): ImageConfig => parseConfig(Buffer.from(JSON.stringify(value)), 'config x')

describe('reading a config', () => {
  it('keeps fields that it does not know, at every level', () => {
    const value = {
      ...MINIMAL,
      'os.version': '1',
      'moby.buildkit.buildinfo.v1': 'x',
      config: { Cmd: ['sh'], ArgsEscaped: true, Healthcheck: { Test: ['NONE'], Odd: 1 } },
      history: [{ created_by: 'x', odd: 1 }],
    }
    expect(parse(value)).toEqual(value)
  })

  it('takes null, as Go writes it, for absent', () => {
    const value = {
      ...MINIMAL,
      history: null,
      config: { Cmd: null, Volumes: null, Env: null, OnBuild: null, Image: null },
    }
    expect(parse(value)).toEqual({ ...MINIMAL, config: {} })
  })

  it.each([
    ['nothing', {}, 'rootfs is absent; wanted an object'],
    ['a manifest', { schemaVersion: 2, layers: [] }, 'rootfs is absent'],
    [
      'another rootfs type',
      { ...MINIMAL, rootfs: { type: 'layers+base', diff_ids: [] } },
      'rootfs.type is "layers+base"',
    ],
    [
      'a diff_id that is no digest',
      { ...MINIMAL, rootfs: { type: 'layers', diff_ids: ['x'] } },
      'rootfs.diff_ids is ["x"]',
    ],
    ['no os', { ...MINIMAL, os: undefined }, 'os is absent; wanted a string'],
    ['an empty architecture', { ...MINIMAL, architecture: '' }, 'architecture is ""; wanted a name'],
    [
      'an entrypoint that is a text',
      { ...MINIMAL, config: { Entrypoint: 'sh' } },
      'config.Entrypoint is "sh"; wanted a list',
    ],
    ['a number in cmd', { ...MINIMAL, config: { Cmd: ['a', 1] } }, 'config.Cmd is ["a",1]'],
    ['NUL in an environment', { ...MINIMAL, config: { Env: ['A=\0'] } }, 'config.Env is'],
    ['env as a map', { ...MINIMAL, config: { Env: { A: 'b' } } }, 'config.Env is {"A":"b"}'],
    [
      'ports as a list',
      { ...MINIMAL, config: { ExposedPorts: [80] } },
      'config.ExposedPorts is [80]; wanted an object',
    ],
    ['a label that is a number', { ...MINIMAL, config: { Labels: { a: 1 } } }, 'config.Labels is {"a":1}'],
    ['a config that is a list', { ...MINIMAL, config: [] }, 'config is []; wanted an object'],
    ['history that is a map', { ...MINIMAL, history: {} }, 'history is {}; wanted a list of objects'],
    ['empty_layer as text', { ...MINIMAL, history: [{ empty_layer: 'yes' }] }, 'history[0].empty_layer is "yes"'],
    ['more history than layers', { ...MINIMAL, history: [{}, {}] }, 'has a history of 2 layers; its rootfs has 1.'],
    ['names in another case', { ...MINIMAL, config: { env: ['A=b'] } }, 'config has the name "env"; wanted \'Env\''],
    ['an interval below zero', { ...MINIMAL, config: { Healthcheck: { Interval: -1 } } }, 'Healthcheck.Interval is -1'],
  ])('refuses %s', (_, value, message) => {
    expect(() => parse(value)).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }))
    expect(() => parse(value)).toThrow(message)
    expect(() => parse(value)).toThrow('config x')
  })

  it('counts only history entries that made a layer', () => {
    const history = [{ created_by: 'a' }, { created_by: 'b', empty_layer: true }]
    expect(parse({ ...MINIMAL, history }).history).toEqual(history)
  })
})

describe('writing a config', () => {
  it('gives the same bytes whatever the order of fields and map entries', () => {
    const one = parse({
      ...MINIMAL,
      z: 1,
      author: 'x',
      config: { Labels: { b: '1', a: '2' }, Env: ['A=1'], User: 'u' },
    })
    const two = parse({
      author: 'x',
      config: { User: 'u', Env: ['A=1'], Labels: { a: '2', b: '1' } },
      z: 1,
      ...MINIMAL,
    })
    expect(writeConfig(one).toString()).toBe(writeConfig(two).toString())
    expect(writeConfig(one).toString()).toBe(
      `{"author":"x","architecture":"amd64","os":"linux","config":{"User":"u","Env":["A=1"],"Labels":{"a":"2","b":"1"}},"rootfs":{"type":"layers","diff_ids":["${A}"]},"z":1}`,
    )
  })

  it('is read back as what was written', () => {
    const config = parse({
      ...MINIMAL,
      config: { ExposedPorts: { '80/tcp': {} }, Volumes: { '/v': {} } },
      history: [{}],
    })
    expect(parseConfig(writeConfig(config), 'config x')).toEqual(config)
    const scratch = scratchConfig({ os: 'linux', architecture: 'arm', variant: 'v7' })
    expect(parseConfig(writeConfig(scratch), 'config x')).toEqual(scratch)
  })
})
