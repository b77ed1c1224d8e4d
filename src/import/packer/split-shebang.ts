/** The program that a first line names, as the kernel reads it: with at most one argument. */
export function splitShebang(line: string): string[] {
  const [program = '', ...rest] = line
    .replace(/^#!\s*/, '')
    .trim()
    .split(/\s+/)
  return rest.length === 0 ? [program] : [program, rest.join(' ')]
}
