import type { Place } from './value.ts'

/** A file that was read, and where in it things are. */
export class SourceText {
  /** As a user would name it. */
  readonly file: string
  readonly text: string
  #lines: readonly number[] | undefined

  constructor(file: string, text: string) {
    this.file = file
    this.text = text
  }

  /** Where the character at this offset is: lines and columns in UTF-16 units, as editors count. */
  place(offset: number): Place {
    this.#lines ??= lineStarts(this.text)
    let low = 0
    let high = this.#lines.length - 1
    while (low < high) {
      const middle = (low + high + 1) >> 1
      if (this.#lines[middle]! <= offset) low = middle
      else high = middle - 1
    }
    return { file: this.file, line: low + 1, column: offset - this.#lines[low]! + 1 }
  }
}

function lineStarts(text: string): number[] {
  const starts = [0]
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) starts.push(at + 1)
  return starts
}
