import { joinTexts, partKey, partsOf } from './text.ts'
import { isReference, Mixed, type Part, type Text } from './value.ts'

/** The last plane of Unicode for private use: one character for each variable. */
const FIRST = 0x100000
const LAST = 0x10fffd
const PLACEHOLDER = /[\u{100000}-\u{10fffd}]/u
/** What no shell and no Dockerfile takes for anything but itself. */
const PLAIN = /^[A-Za-z0-9_./:@%+,-]*$/

/**
 * Lets grammars of plain text read texts that have variables in them: a variable is one character that no grammar knows,
 * and becomes the variable again afterwards.
 */
export class Placeholders {
  readonly #parts: Part[] = []
  readonly #known = new Map<string, string>()

  hide(text: Text): string {
    return partsOf(text)
      .map((part) =>
        typeof part === 'string'
          ? part.replace(new RegExp(PLACEHOLDER, 'gu'), (own) => this.#hide(own))
          : this.#hide(part),
      )
      .join('')
  }

  show(text: string): Text {
    return joinTexts(
      ...text.split(new RegExp(`(${PLACEHOLDER.source})`, 'u')).map((piece): Text => {
        const part = this.#partOf(piece)
        return part === undefined ? piece : typeof part === 'string' ? part : new Mixed([part])
      }),
    )
  }

  /** For people: variables as they are named, never their values, which may be secret. */
  describe(text: string): string {
    return partsOf(this.show(text))
      .map((part) => (typeof part === 'string' ? part : `\${${isReference(part) ? part.variable : part.unknown}}`))
      .join('')
  }

  /** A variable in the text has no value, or one that means something to a shell: what the words are is not known. */
  isUnclear(text: string): boolean {
    return [...text].some((character) => {
      const part = this.#partOf(character)
      if (part === undefined) return false
      if (typeof part === 'string') return false
      return !isReference(part) || part.value === undefined || !PLAIN.test(part.value)
    })
  }

  #hide(part: Part): string {
    const key = typeof part === 'string' ? `text ${part}` : partKey(part)
    const known = this.#known.get(key)
    if (known !== undefined) return known
    const character = String.fromCodePoint(FIRST + this.#parts.length)
    this.#parts.push(part)
    this.#known.set(key, character)
    return character
  }

  #partOf(character: string): Part | undefined {
    const point = character.codePointAt(0) ?? 0
    return point >= FIRST && point <= LAST ? this.#parts[point - FIRST] : undefined
  }
}
