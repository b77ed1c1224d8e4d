import { createHash } from 'node:crypto'
import { Fault, Unknowable } from '../../fault.ts'
import { asText, numberText, type Plain, type PlainFields, sortedKeys } from '../convert.ts'
import type { FunctionTable, HclFunction } from './function.ts'

const ofText = (make: (text: string) => Plain): HclFunction => ({ plain: ([text]) => make(asText(text)) })
const hash = (name: string) => ofText((text) => createHash(name).update(text).digest('hex'))

export const encodingFunctions: FunctionTable = {
  md5: hash('md5'),
  sha1: hash('sha1'),
  sha256: hash('sha256'),
  sha512: hash('sha512'),
  base64encode: ofText((text) => Buffer.from(text).toString('base64')),
  base64decode: ofText(fromBase64),
  // As Go's url.QueryEscape.
  urlencode: ofText((text) =>
    encodeURIComponent(text.toWellFormed())
      .replace(/[!'()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`)
      .replaceAll('%20', '+'),
  ),
  jsonencode: { plain: ([value]) => jsonText(value!) },
  jsondecode: ofText(fromJson),
  yamlencode: { plain: ([value]) => `${yamlLines(value!).join('\n')}\n` },
  yamldecode: ofText((text) => {
    try {
      return fromJson(text)
    } catch {
      throw new Unknowable('yamldecode() is not evaluated by an import, but for JSON')
    }
  }),
}

function fromBase64(text: string): string {
  const bytes = Buffer.from(text, 'base64')
  if (bytes.toString('base64') !== text) throw new Fault('the text is no base64')
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    throw new Fault('what is in base64 is no text in UTF-8')
  }
}

function fromJson(text: string): Plain {
  try {
    return JSON.parse(text) as Plain
  } catch {
    throw new Fault('the text is no JSON')
  }
}

/** As Go writes JSON: keys sorted, and what HTML has a meaning for escaped. */
function jsonText(value: Plain): string {
  if (typeof value === 'number') return numberText(value)
  if (Array.isArray(value)) return `[${value.map(jsonText).join(',')}]`
  if (typeof value === 'object' && value !== null)
    return `{${fieldsOf(value)
      .map(([name, inner]) => `${quoted(name)}:${jsonText(inner)}`)
      .join(',')}}`
  return typeof value === 'string' ? quoted(value) : String(value)
}

function quoted(text: string): string {
  return JSON.stringify(text).replace(
    /[<>&\u2028\u2029]/g,
    (sign) => `\\u${sign.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}

const fieldsOf = (value: object) => sortedKeys(value).map((name) => [name, (value as PlainFields)[name]!] as const)

/** As go-cty-yaml writes it: all text in quotes, lists not indented. */
function yamlLines(value: Plain): readonly string[] {
  if (typeof value !== 'object' || value === null) return [jsonScalar(value)]
  if (Array.isArray(value)) {
    if (value.length === 0) return ['[]']
    return value.flatMap((element: Plain) => {
      const [first, ...rest] = yamlLines(element)
      return [`- ${first}`, ...rest.map((line) => `  ${line}`)]
    })
  }
  const fields = fieldsOf(value)
  return fields.length === 0 ? ['{}'] : fields.flatMap(([name, inner]) => yamlField(name, inner))
}

function yamlField(name: string, value: Plain): readonly string[] {
  const lines = yamlLines(value)
  const nested = typeof value === 'object' && value !== null && Object.keys(value).length > 0
  if (!nested) return [`${JSON.stringify(name)}: ${lines[0]}`]
  const indent = Array.isArray(value) ? '' : '  '
  return [`${JSON.stringify(name)}:`, ...lines.map((line) => `${indent}${line}`)]
}

const jsonScalar = (value: Plain) => (typeof value === 'number' ? numberText(value) : JSON.stringify(value))
