import { type ByteString, fromBytes, fromText, toBytes, toText } from '../oci/name.ts'
import { looksRandom, strength } from './randomness.ts'

/** A value that must not be in an image. */
export interface SecretValue {
  /** What it is, for messages: `the secret 'npmrc'`, `the value of AWS_SECRET_ACCESS_KEY`. */
  readonly name: string
  readonly value: ByteString
}

/** One way in which a secret value may be written. */
export interface Needle {
  readonly bytes: Uint8Array
  /** Of the value. */
  readonly name: string
  /** How it is written; '' for as it is. */
  readonly form: '' | 'base64' | 'url-encoded' | 'escaped'
}

/** Bytes below which a value is too common to be looked for, in new files and in those of a base. */
export const SHORTEST = { news: 8, base: 16 } as const

/** Bytes of a value that are looked for, counted from its end, where keys and signatures are most their own. */
const LONGEST = 512
/** Parts of a value of several lines that are secrets by themselves. */
const PART = /[A-Za-z0-9+/_-]{20,}={0,2}/g

/** A value that is text. */
export function secretText(name: string, text: string): SecretValue {
  return { name, value: fromText(text) }
}

/**
 * The values of what a user keeps secret, a file perhaps: the whole of it without white space around it, and of several
 * lines (a key in PEM, an `.npmrc`) each word that chance must have made.
 */
export function valuesOf(name: string, bytes: Uint8Array): SecretValue[] {
  const all = fromBytes(bytes)
  const whole = toText(all) === undefined ? all : all.trim()
  const parts = whole.includes('\n') ? (whole.match(PART) ?? []).filter(looksRandom) : []
  return [...new Set([whole, ...parts])].map((value) => ({ name, value }))
}

/**
 * All ways in which the values are looked for: as they are, in base64 of both alphabets wherever in a longer text they
 * begin, url-encoded, and as JSON escapes them. Values that are too short or too plain (`password`, `admin`) are left out:
 * any large image has them.
 * @param shortest bytes
 */
export function needlesOf(values: readonly SecretValue[], shortest: number): Needle[] {
  const needles = new Map<string, Needle>()
  for (const { name, value } of values) {
    if (value.length < shortest || isPlain(value)) continue
    for (const [form, bytes] of formsOf(value)) {
      const needle = bytes.slice(-LONGEST)
      if (!needles.has(needle)) needles.set(needle, { bytes: toBytes(needle), name, form })
    }
  }
  return [...needles.values()]
}

function isPlain(value: string): boolean {
  const kinds = [/[a-z]/, /[A-Z]/, /[0-9]/, /[^a-zA-Z0-9]/].filter((kind) => kind.test(value)).length
  return new Set(value).size < 5 || (kinds < 2 && value.length < 16) || strength(value) < 20
}

function* formsOf(value: ByteString): Generator<[form: Needle['form'], bytes: ByteString]> {
  yield ['', value]
  for (const text of base64Of(toBytes(value))) {
    yield ['base64', text]
    yield ['base64', text.replaceAll('+', '-').replaceAll('/', '_')]
  }
  const plain = toText(value)
  if (plain === undefined) return
  const encoded = encodeURIComponent(plain)
  const strict = encoded.replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`)
  for (const text of [encoded, strict, strict.replaceAll('%20', '+')]) {
    yield ['url-encoded', text]
    yield ['url-encoded', text.replace(/%../g, (code) => code.toLowerCase())]
  }
  yield ['escaped', fromText(JSON.stringify(plain).slice(1, -1))]
}

/**
 * What base64 has of the bytes for certain, when none, one or two bytes of a group of three come before them: characters
 * that depend on neighbours are left out.
 */
function* base64Of(bytes: Buffer): Generator<string> {
  for (const before of [0, 1, 2]) {
    const text = Buffer.concat([Buffer.alloc(before), bytes]).toString('base64')
    yield text.slice(Math.ceil((before * 8) / 6), Math.floor(((before + bytes.byteLength) * 8) / 6))
  }
}
