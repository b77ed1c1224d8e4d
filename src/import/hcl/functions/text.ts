import { checkLength, replaceEach } from '../../check-length.ts'
import { Fault } from '../../fault.ts'
import { joinTexts } from '../../text.ts'
import { isMixed, isText, type Value } from '../../value.ts'
import { asInteger, asList, asText, type Plain } from '../convert.ts'
import { format, formatSymbolic } from './format.ts'
import type { FunctionTable, HclFunction } from './function.ts'

/** A function of one text. */
const ofText = (make: (text: string) => Plain): HclFunction => ({ plain: ([text]) => make(asText(text)) })

/** A function of two texts. */
const ofTwo = (make: (first: string, second: string) => Plain): HclFunction => ({
  plain: ([first, second]) => make(asText(first), asText(second)),
})

export const textFunctions: FunctionTable = {
  lower: ofText((text) => text.toLowerCase()),
  upper: ofText((text) => text.toUpperCase()),
  title: ofText((text) =>
    text.replace(/(^|[^\p{L}\p{N}_'])(\p{L})/gu, (_, before, letter) => before + letter.toUpperCase()),
  ),
  strrev: ofText((text) => [...text].reverse().join('')),
  strlen: ofText((text) => [...text].length),
  chomp: ofText((text) => text.replace(/[\r\n]+$/, '')),
  trimspace: ofText((text) => text.trim()),
  trim: ofTwo((text, cut) => trimmedEnd(trimmedStart(text, cut), cut)),
  trimprefix: ofTwo((text, prefix) => (prefix !== '' && text.startsWith(prefix) ? text.slice(prefix.length) : text)),
  trimsuffix: ofTwo((text, suffix) => (suffix !== '' && text.endsWith(suffix) ? text.slice(0, -suffix.length) : text)),
  startswith: ofTwo((text, prefix) => text.startsWith(prefix)),
  endswith: ofTwo((text, suffix) => text.endsWith(suffix)),
  strcontains: ofTwo((text, part) => text.includes(part)),
  split: ofTwo((separator, text) => (separator === '' ? [...text] : text.split(separator))),
  join: { plain: joinPlain, symbolic: joinSymbolic },
  substr: { plain: ([text, offset, length]) => substring(asText(text), asInteger(offset), asInteger(length)) },
  indent: { plain: ([spaces, text]) => indented(asInteger(spaces), asText(text)) },
  format: { plain: format, symbolic: formatSymbolic },
  formatlist: { plain: formatList },
}

function trimmedStart(text: string, cut: string): string {
  const characters = [...text]
  const all = new Set(cut)
  const first = characters.findIndex((character) => !all.has(character))
  return first < 0 ? '' : characters.slice(first).join('')
}

function trimmedEnd(text: string, cut: string): string {
  const characters = [...text]
  const all = new Set(cut)
  return characters.slice(0, characters.findLastIndex((character) => !all.has(character)) + 1).join('')
}

function substring(text: string, offset: number, length: number): string {
  const characters = [...text]
  const start = offset < 0 ? Math.max(0, characters.length + offset) : offset
  return characters.slice(start, length < 0 ? undefined : start + length).join('')
}

function joinPlain([separator, ...lists]: readonly Plain[]): Plain {
  const texts = lists.flatMap((list) => asList(list) as readonly Plain[]).map(asText)
  const between = asText(separator)
  checkLength(texts.reduce((sum, text) => sum + text.length + between.length, 0))
  return texts.join(between)
}

function indented(spaces: number, text: string): string {
  if (spaces < 0 || spaces > 1000) throw new Fault(`${spaces} spaces are no indentation`)
  return replaceEach(text, '\n', `\n${' '.repeat(spaces)}`)
}

/** A text with variables stays one when it is only put between others. */
function joinSymbolic([separator, ...lists]: readonly Value[]): Value | undefined {
  const elements = lists.flatMap((list) => asList(list))
  if (!isText(separator) || !elements.every(isText) || !elements.some(isMixed)) return undefined
  return joinTexts(...elements.flatMap((element, index) => (index === 0 ? [element] : [separator, element])))
}

function formatList([spec, ...values]: readonly Plain[]): Plain {
  const lists = values.filter((value) => Array.isArray(value)) as readonly (readonly Plain[])[]
  if (lists.length === 0) return [format([spec!, ...values])]
  const [{ length }] = lists as [readonly Plain[]]
  if (lists.some((list) => list.length !== length)) throw new Fault('the lists of formatlist() differ in length')
  return Array.from({ length }, (_, index) =>
    format([spec!, ...values.map((value) => (Array.isArray(value) ? (value as readonly Plain[])[index]! : value))]),
  )
}
