import { messageOf, OcibakeError } from '../errors.ts'
import { USUAL_HINTS } from './usual-hints.ts'

/**
 * An error as people read it: the code and the place, what was observed, what to do.
 * With `debug`, the errors that led to it too.
 */
export function renderError(error: unknown, debug: boolean): string {
  if (!(error instanceof OcibakeError)) return renderBug(error)
  const head = error.where === undefined ? error.code : `${error.code}  ${error.where}`
  const lines = [head, ...indented(error.message)]
  const hint = error.hint ?? USUAL_HINTS[error.code]
  if (hint !== undefined)
    lines.push(...indented(hint).map((line, at) => (at === 0 ? line.replace('  ', '  -> ') : `   ${line}`)))
  if (debug) lines.push(...causes(error))
  return `${lines.join('\n')}\n`
}

/** Nobody foresaw it, so all that is known is shown. */
function renderBug(error: unknown): string {
  const stack = error instanceof Error && error.stack !== undefined ? error.stack : messageOf(error)
  const lines = ['INTERNAL', '  This is a mistake in ocibake itself, not in your spec:', ...indented(stack)]
  return `${[...lines, '  -> Please report it with the command that you ran.'].join('\n')}\n`
}

function causes(error: Error): string[] {
  const cause = error.cause
  if (cause === undefined) return []
  const text = cause instanceof Error && cause.stack !== undefined ? cause.stack : messageOf(cause)
  return [...indented(`caused by ${text}`), ...(cause instanceof Error ? causes(cause) : [])]
}

function indented(text: string): string[] {
  return text.split('\n').map((line) => `  ${line}`)
}
