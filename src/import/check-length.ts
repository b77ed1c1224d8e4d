import { Fault } from './fault.ts'

/** More than any text of a template; far less than what fills memory. */
const LONGEST = 1 << 24

/** Bounds a text before it is made. @throws Fault */
export function checkLength(characters: number): void {
  if (characters > LONGEST) throw new Fault(`the text would have more than ${LONGEST} characters`)
}

/** The text with each `part` replaced. @throws Fault when it would be too long */
export function replaceEach(text: string, part: string, replacement: string): string {
  const times = part === '' ? text.length + 1 : text.split(part).length - 1
  checkLength(text.length + times * replacement.length)
  return text.replaceAll(part, () => replacement)
}
