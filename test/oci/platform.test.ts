import { expect, test } from 'vitest'
import { digestOf } from '../../src/oci/digest.ts'
import { OCI_MANIFEST } from '../../src/oci/media-types.ts'
import { choosePlatform, formatPlatform, hostPlatform, parsePlatform } from '../../src/oci/platform.ts'
import type { Descriptor } from '../../src/oci/source.ts'

function entry(platform: string | undefined, annotations?: Record<string, string>): Descriptor {
  const [os = '', architecture = '', variant] = platform?.split('/') ?? []
  const parts = { os, architecture, ...(variant === undefined ? {} : { variant }) }
  return {
    mediaType: OCI_MANIFEST,
    digest: digestOf(String(platform)),
    size: 1,
    ...(platform === undefined ? {} : { platform: parts }),
    ...(annotations === undefined ? {} : { annotations }),
  }
}

test.each([
  ['linux/amd64', 'linux/amd64'],
  ['linux/x86_64', 'linux/amd64'],
  ['linux/amd64/v1', 'linux/amd64'],
  ['linux/amd64/v3', 'linux/amd64/v3'],
  ['linux/aarch64', 'linux/arm64'],
  ['linux/arm64/v8', 'linux/arm64'],
  ['linux/arm64/v9', 'linux/arm64/v9'],
  ['linux/arm', 'linux/arm/v7'],
  ['linux/arm/6', 'linux/arm/v6'],
  ['linux/armhf', 'linux/arm/v7'],
  ['linux/armel', 'linux/arm/v6'],
  ['Linux/i386', 'linux/386'],
])('%s is %s', (text, normal) => {
  expect(formatPlatform(parsePlatform(text))).toBe(normal)
})

test.each(['', 'linux', 'linux/', 'linux/a/b/c', 'linux/amd 64', '/amd64'])("'%s' is no platform", (text) => {
  expect(() => parsePlatform(text)).toThrow(expect.objectContaining({ code: 'REFERENCE_INVALID' }))
})

test.each([
  ['linux/amd64', ['linux/arm64', 'linux/amd64'], 'linux/amd64'],
  ['linux/arm64', ['linux/arm/v7', 'linux/arm64/v8'], 'linux/arm64/v8'],
  ['linux/arm64/v8', ['linux/arm64'], 'linux/arm64'],
  ['linux/arm', ['linux/arm/v5', 'linux/arm/v7'], 'linux/arm/v7'],
  ['linux/arm/v7', ['linux/arm/v5', 'linux/arm/v6'], 'linux/arm/v6'],
  ['linux/arm/v8', ['linux/arm'], 'linux/arm'],
  ['linux/amd64/v3', ['linux/amd64', 'linux/amd64/v2', 'linux/amd64/v4'], 'linux/amd64/v2'],
  ['linux/amd64/v2', ['linux/amd64'], 'linux/amd64'],
])('for %s of %j, %s is chosen', (wanted, present, chosen) => {
  const manifests = [entry('unknown/unknown'), ...present.map((one) => entry(one))]
  expect(choosePlatform(manifests, parsePlatform(wanted))).toEqual(entry(chosen))
})

test.each([
  ['linux/amd64', ['linux/386', 'linux/arm64'], 'linux/386, linux/arm64'],
  ['linux/amd64', ['linux/amd64/v3'], 'linux/amd64/v3'],
  ['linux/arm64', ['linux/arm/v7'], 'linux/arm/v7'],
  ['linux/arm/v6', ['linux/arm/v7'], 'linux/arm/v7'],
  ['linux/amd64', ['windows/amd64', 'unknown/unknown'], 'it has windows/amd64.'],
  ['linux/amd64', ['unknown/unknown'], 'no image at all'],
])('for %s of %j there is none, and the error lists %s', (wanted, present, listed) => {
  const choose = () =>
    choosePlatform(
      present.map((one) => entry(one)),
      parsePlatform(wanted),
    )
  expect(choose).toThrow(
    expect.objectContaining({ code: 'PLATFORM_MISSING', message: expect.stringContaining(listed) }),
  )
})

test('an attestation is no image even if it has a real platform', () => {
  const attestation = entry('linux/amd64', { 'vnd.docker.reference.type': 'attestation-manifest' })
  expect(() => choosePlatform([attestation], parsePlatform('linux/amd64'))).toThrow('no image at all')
})

test('the only entry is taken when it names no platform, one of several is not', () => {
  const wanted = parsePlatform('linux/amd64')
  expect(choosePlatform([entry(undefined)], wanted)).toEqual(entry(undefined))
  expect(() => choosePlatform([entry(undefined), entry('linux/arm64')], wanted)).toThrow('one without a platform')
})

test('this machine builds for Linux, by the name that Go has for its processor', () => {
  expect(hostPlatform().os).toBe('linux')
  expect(parsePlatform(formatPlatform(hostPlatform()))).toEqual(hostPlatform())
})
