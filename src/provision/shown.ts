/** A line for an error, which holds no raw control characters: colours and cursor movements stay in the log. */
export function shown(line: string): string {
  return line.replace(/\x1b\[[0-9;?]*[A-Za-z]/g, '').replace(/[\x00-\x08\x0a-\x1f\x7f-\x9f]/g, '?')
}
