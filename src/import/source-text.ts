import type { Place } from './value.ts'

/** A file that was read, and where in it things are. */
export class SourceText {
  /** As a user would name it. */
  readonly file: string
  readonly text: string
  readonly #lead: number
  #lines: readonly number[] | undefined

  /** @param lead how many characters of the text were put before what the file has */
  constructor(file: string, text: string, lead = 0) {
    this.file = file
    this.text = text
    this.#lead = lead
  }

  /** Where the character at this offset is: lines and columns in UTF-16 units, as editors count. */
  place(offset: number): Place {
    this.#lines ??= lineStarts(this.text.slice(this.#lead))
    const own = Math.max(0, offset - this.#lead)
    let low = 0
    let high = this.#lines.length - 1
    while (low < high) {
      const middle = (low + high + 1) >> 1
      if (this.#lines[middle]! <= own) low = middle
      else high = middle - 1
    }
    return { file: this.file, line: low + 1, column: own - this.#lines[low]! + 1 }
  }
}

function lineStarts(text: string): number[] {
  const starts = [0]
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) starts.push(at + 1)
  return starts
}
