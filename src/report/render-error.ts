import { messageOf, OcibakeError } from '../errors.ts'
import { printable } from './printable.ts'
import { redactUrls } from './redact-urls.ts'
import { USUAL_HINTS } from './usual-hints.ts'

/**
 * An error as people read it: the code and the place, what was observed, what to do.
 * With `debug`, the errors that led to it too.
 */
export function renderError(error: unknown, debug: boolean): string {
  if (!(error instanceof OcibakeError)) return renderBug(error)
  const head = error.where === undefined ? error.code : `${error.code}  ${error.where}`
  const lines = [head, ...indented(error.message)]
  const hint = hintOf(error)
  if (hint !== undefined)
    lines.push(...indented(hint).map((line, at) => (at === 0 ? line.replace('  ', '  -> ') : `   ${line}`)))
  if (debug) lines.push(...causes(error))
  return `${lines.join('\n')}\n`
}

/** What to do about an error: its own hint, else the usual one of its code. */
export function hintOf(error: OcibakeError): string | undefined {
  return error.hint ?? USUAL_HINTS[error.code]
}

/** All that any thrown value knows of itself, without what its URLs carry: libraries name them whole. */
export function stackOf(error: unknown): string {
  const text = error instanceof Error && error.stack !== undefined ? error.stack : messageOf(error)
  return redactUrls(text).split('\n').map(printable).join('\n')
}

/** Nobody foresaw it, so all that is known is shown. */
function renderBug(error: unknown): string {
  const lines = ['INTERNAL', '  This is a mistake in ocibake itself, not in your spec:', ...indented(stackOf(error))]
  return `${[...lines, '  -> Please report it with the command that you ran.'].join('\n')}\n`
}

function causes(error: Error): string[] {
  const cause = error.cause
  if (cause === undefined) return []
  return [...indented(`caused by ${stackOf(cause)}`), ...(cause instanceof Error ? causes(cause) : [])]
}

function indented(text: string): string[] {
  return text.split('\n').map((line) => `  ${line}`)
}
