import { z } from 'zod'

/**
 * Text for a mode, `wanted` being what is said of anything else. A number is refused with the text to write instead: 644
 * is meant as its digits, and 0o644, which is 420, as what it is.
 */
export function modeText(wanted: string) {
  return z.string({
    error: ({ input }) => {
      const meant = typeof input === 'number' ? texts(input) : undefined
      return meant === undefined ? wanted : `expected text; write ${meant}`
    },
  })
}

function texts(mode: number): string | undefined {
  const meant = [String(mode), mode.toString(8)].filter((digits) => /^[0-7]{3,4}$/.test(digits) && isUsual(digits))
  return meant.length === 0 ? undefined : meant.map((digits) => `'${digits.padStart(4, '0')}'`).join(' or ')
}

/** The owner may read, and nobody may do what the owner may not. */
function isUsual(digits: string): boolean {
  const [owner, ...others] = [...digits.slice(-3)].map(Number)
  return (owner! & 4) !== 0 && others.every((other) => (other & ~owner!) === 0)
}
