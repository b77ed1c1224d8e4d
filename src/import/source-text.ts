import type { Place } from './value.ts'

const NOTHING = { before: '', behind: '' }

/** A file that was read, and where in it things are. */
export class SourceText {
  /** As a user would name it. */
  readonly file: string
  readonly text: string
  /** Where what the file has ends in the text. */
  readonly end: number
  readonly #lead: number
  #lines: readonly number[] | undefined

  constructor(file: string, text: string, around: { readonly before: string; readonly behind: string } = NOTHING) {
    this.file = file
    this.text = `${around.before}${text}${around.behind}`
    this.end = around.before.length + text.length
    this.#lead = around.before.length
  }

  /** The same, with something put around what the file has; places stay those in the file. */
  within(before: string, behind: string): SourceText {
    return new SourceText(this.file, this.text, { before, behind })
  }

  /** Where the character at this offset is: lines and columns in UTF-16 units, as editors count. */
  place(offset: number): Place {
    this.#lines ??= lineStarts(this.text.slice(this.#lead, this.end))
    const own = Math.max(0, Math.min(offset, this.end) - this.#lead)
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
