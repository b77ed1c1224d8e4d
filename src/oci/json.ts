import { type ErrorCode, messageOf, OcibakeError } from '../errors.ts'

export type JsonObject = Readonly<Record<string, unknown>>

/** Bytes that a manifest, index or config may have: what containers/image and Docker's registries allow. */
export const DOCUMENT_LIMIT = 4 << 20

const DEPTH_LIMIT = 64

/**
 * The JSON object that `bytes` hold, read so strictly that no two readers can see different things in it: valid UTF-8,
 * no byte order mark, at most 4 MiB and 64 levels, and no name twice in one object.
 * `what` names the document in the error; `code` is the error's.
 * @throws `code`
 */
export function readJsonObject(bytes: Uint8Array, what: string, code: ErrorCode): JsonObject {
  const value = readJson(bytes, what, code)
  if (!isJsonObject(value)) {
    throw new OcibakeError(code, `${what} is ${showJson(value)}; wanted a JSON object.`)
  }
  return value
}

/** As `readJsonObject`, for the one document that is a list: the `manifest.json` of a docker-archive. @throws `code` */
export function readJsonArray(bytes: Uint8Array, what: string, code: ErrorCode): readonly unknown[] {
  const value = readJson(bytes, what, code)
  if (!Array.isArray(value)) throw new OcibakeError(code, `${what} is ${showJson(value)}; wanted a JSON array.`)
  return value
}

/**
 * The value as JSON without white space, names in the order in which they were put, `undefined` left out: the same
 * value gives the same bytes, and so the same digest, on every machine.
 */
export function writeJson(value: JsonObject | readonly unknown[]): Buffer {
  return Buffer.from(JSON.stringify(value), 'utf8')
}

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** A value as an error shows it: its JSON, shortened, without control characters. */
export function showJson(value: unknown): string {
  if (value === undefined) return 'absent'
  const text = (JSON.stringify(value) ?? typeof value).replace(/[^\x20-\x7e]/g, '?')
  return text.length > 80 ? `${text.slice(0, 77)}...` : text
}

/** An object without the fields that are undefined or null. */
export function withoutAbsent<T extends object>(object: { [K in keyof T]: T[K] | undefined }): T {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value != null)) as T
}

/** The named fields in their order, then all others by name. */
export function inOrder(object: object, names: readonly string[]): JsonObject {
  const entries = new Map<string, unknown>(Object.entries(object))
  const others = [...entries.keys()].filter((name) => !names.includes(name)).sort()
  return Object.fromEntries([...names, ...others].map((name) => [name, entries.get(name)]))
}

function readJson(bytes: Uint8Array, what: string, code: ErrorCode): unknown {
  if (bytes.byteLength > DOCUMENT_LIMIT) {
    throw new OcibakeError(code, `${what} has ${bytes.byteLength} bytes; at most ${DOCUMENT_LIMIT} are read.`)
  }
  let text: string
  let value: unknown
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
    value = JSON.parse(text)
  } catch (error) {
    const got = bytes.byteLength === 0 ? 'it is empty' : messageOf(error).replace(/[^\x20-\x7e]/g, '?')
    throw new OcibakeError(code, `${what} is not JSON: ${got}.`, { cause: error })
  }
  const fault = ambiguityIn(text)
  if (fault !== undefined) throw new OcibakeError(code, `${what} ${fault}.`)
  return value
}

/** Why a text that is valid JSON is refused all the same. JSON.parse keeps the last of two names, other readers the first. */
function ambiguityIn(text: string): string | undefined {
  const open: Set<string>[] = []
  for (let at = 0; at < text.length; at++) {
    const c = text[at]
    if (c === '{' || c === '[') {
      open.push(new Set())
      if (open.length > DEPTH_LIMIT) return `is nested deeper than ${DEPTH_LIMIT} levels`
    } else if (c === '}' || c === ']') {
      open.pop()
    } else if (c === '"') {
      const end = endOfString(text, at)
      if (isFollowedByColon(text, end)) {
        const name: unknown = JSON.parse(text.slice(at, end))
        const names = open.at(-1)!
        if (names.has(String(name))) return `has the name ${showJson(name)} twice in one object`
        names.add(String(name))
      }
      at = end - 1
    }
  }
  return undefined
}

/** Where the string that starts at `start` has ended: behind its closing quote. */
function endOfString(text: string, start: number): number {
  let at = start + 1
  while (text[at] !== '"') at += text[at] === '\\' ? 2 : 1
  return at + 1
}

function isFollowedByColon(text: string, from: number): boolean {
  let at = from
  while (text[at] === ' ' || text[at] === '\n' || text[at] === '\t' || text[at] === '\r') at++
  return text[at] === ':'
}
