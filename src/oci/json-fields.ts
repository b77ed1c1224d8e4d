import { type ErrorCode, OcibakeError } from '../errors.ts'
import { type Digest, parseDigest } from './digest.ts'
import { isJsonObject, type JsonObject, showJson } from './json.ts'

/**
 * The fields of one JSON object, each asked for with the type that it must have. A field that is absent or null is
 * `undefined` to every question but `text`, `size` and `digest`, which demand it: Go writes null for what is not set.
 * Every method throws the code that it was made with, and names the document, the field, got and want.
 */
export class JsonFields {
  readonly object: JsonObject
  /** Names the document, and the object in it if it is not the whole, for errors. */
  readonly what: string
  readonly #document: string
  readonly #path: string
  readonly #code: ErrorCode
  readonly #names: ReadonlyMap<string, string>

  /** `path` is the object's place in the document, '' for the whole. */
  constructor(object: JsonObject, document: string, code: ErrorCode, path = '') {
    this.object = object
    this.what = path === '' ? document : `${document}: ${path}`
    this.#document = document
    this.#path = path
    this.#code = code
    this.#names = new Map(Object.keys(object).map((name) => [name.toLowerCase(), name]))
  }

  has(name: string): boolean {
    return this.get(name) !== undefined
  }

  /**
   * The value, unchecked. Throws when the name is there in another case, for Go's readers take `Layers` for `layers`:
   * the document would say one thing to ocibake and another to them.
   */
  get(name: string): unknown {
    const found = this.#names.get(name.toLowerCase())
    if (found === undefined) return undefined
    if (found === name) return this.object[name] ?? undefined
    throw new OcibakeError(this.#code, `${this.what} has the name ${showJson(found)}; wanted '${name}'.`)
  }

  text(name: string): string {
    return this.optionalText(name) ?? this.refuse(name, 'a string')
  }

  optionalText(name: string): string | undefined {
    const value = this.get(name)
    return value === undefined || isText(value) ? value : this.refuse(name, 'a string without NUL')
  }

  /** A number of bytes: no sign, no fraction, exact in a JavaScript number. */
  size(name: string): number {
    const value = this.get(name)
    return isCount(value) ? value : this.refuse(name, 'a whole number of bytes')
  }

  optionalCount(name: string): number | undefined {
    const value = this.get(name)
    return value === undefined || isCount(value) ? value : this.refuse(name, 'a whole number, 0 or more')
  }

  optionalFlag(name: string): boolean | undefined {
    const value = this.get(name)
    return value === undefined || typeof value === 'boolean' ? value : this.refuse(name, 'true or false')
  }

  /** @throws MANIFEST_UNSUPPORTED too, for an algorithm other than sha256 */
  digest(name: string): Digest {
    const value = this.get(name)
    if (!isText(value)) return this.refuse(name, 'a digest')
    return parseDigest(value, this.#nameOf(name))
  }

  optionalTexts(name: string): readonly string[] | undefined {
    const value = this.get(name)
    if (value === undefined) return undefined
    return Array.isArray(value) && value.every(isText) ? value : this.refuse(name, 'a list of strings without NUL')
  }

  optionalTextMap(name: string): Readonly<Record<string, string>> | undefined {
    const value = this.get(name)
    if (value === undefined) return undefined
    return isTextMap(value) ? value : this.refuse(name, 'an object of strings')
  }

  /** The names of an object whose values say nothing, such as `ExposedPorts`. */
  optionalNames(name: string): readonly string[] | undefined {
    const value = this.get(name)
    if (value === undefined) return undefined
    return isJsonObject(value) ? Object.keys(value) : this.refuse(name, 'an object')
  }

  optionalObject(name: string): JsonFields | undefined {
    const value = this.get(name)
    if (value === undefined) return undefined
    if (!isJsonObject(value)) return this.refuse(name, 'an object')
    return new JsonFields(value, this.#document, this.#code, this.#below(name))
  }

  optionalObjects(name: string): readonly JsonFields[] | undefined {
    const value = this.get(name)
    if (value === undefined) return undefined
    if (!Array.isArray(value)) return this.refuse(name, 'a list of objects')
    return value.map((item, i) => {
      if (!isJsonObject(item)) return this.refuse(name, 'a list of objects')
      return new JsonFields(item, this.#document, this.#code, `${this.#below(name)}[${i}]`)
    })
  }

  /** Throws that the field is not what was wanted. */
  refuse(name: string, want: string): never {
    throw new OcibakeError(this.#code, `${this.#nameOf(name)} is ${showJson(this.get(name))}; wanted ${want}.`)
  }

  #nameOf(name: string): string {
    return `${this.#document}: ${this.#below(name)}`
  }

  #below(name: string): string {
    return this.#path === '' ? name : `${this.#path}.${name}`
  }
}

/** NUL ends a string for the kernel and for C: nothing that reaches exec, an environment or a path may hold one. */
function isText(value: unknown): value is string {
  return typeof value === 'string' && !value.includes('\0')
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0
}

function isTextMap(value: unknown): value is Readonly<Record<string, string>> {
  return isJsonObject(value) && Object.values(value).every((item) => typeof item === 'string')
}
