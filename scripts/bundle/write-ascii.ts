import { readFile, writeFile } from 'node:fs/promises'

/**
 * Writes a part in ASCII, as src/cli/parts.ts reads it. A single arrow in a message makes of a text a string of two bytes a
 * character, which takes longer to read and twice the memory. Outside of strings and patterns there are none.
 */
export async function writeAscii(file: string): Promise<void> {
  const escaped = (unit: string) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`
  await writeFile(file, (await readFile(file, 'utf8')).replace(/[^\0-\x7f]/g, escaped))
}
