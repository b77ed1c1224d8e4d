/**
 * What a terminal takes for commands (ECMA-48, section 5): strings such as titles, control sequences, other escapes.
 * A string without an end is one up to the next escape, so that the time that lines take grows with their length alone;
 * for Node's stripVTControlCharacters it grows with its square.
 */
const COMMANDS =
  /(?:\x1b\]|\x9d)[^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)?|(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]|\x1b[ -/]*[0-~]/g
const RETURN = '\r'

/**
 * A foreign line as a terminal would leave it, and nothing that a terminal would obey: without escape sequences and
 * control characters, and only what stands behind the last carriage return, which is how progress bars overwrite
 * themselves.
 */
export function printable(line: string): string {
  let end = line.length
  while (end > 0 && line[end - 1] === RETURN) end--
  const text = line.slice(end === 0 ? 0 : line.lastIndexOf(RETURN, end - 1) + 1, end)
  return text.replace(COMMANDS, '').replace(/[^\P{Cc}\t]/gu, '')
}
