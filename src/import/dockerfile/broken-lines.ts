import { shellTokens, UnclearScript } from '../shell/tokens.ts'

/**
 * A script on one line, broken again where the Dockerfile was, as far as a shell reads it as one line then: not within a
 * word or a comment. `breaks` are offsets in the script.
 */
export function brokenLines(script: string, breaks: readonly number[]): string {
  try {
    const tokens = shellTokens(script)
    const safe = breaks.filter((at) => {
      const isWithin = tokens.some(({ start, end }) => start < at && at < end)
      const isBehindComment = tokens.some(({ kind, start }) => kind === 'comment' && start < at)
      return !isWithin && !isBehindComment && at > 0 && /\s/.test(script[at - 1]! + script[at]!)
    })
    const pieces = [0, ...safe].map((start, index) => script.slice(start, safe[index]))
    return pieces.map((piece, index) => (index === pieces.length - 1 ? piece : `${piece.trimEnd()} \\\n`)).join('')
  } catch (error) {
    if (error instanceof UnclearScript) return script
    throw error
  }
}
