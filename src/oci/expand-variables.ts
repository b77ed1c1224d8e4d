import { OcibakeError } from '../errors.ts'

/**
 * The text with its variables replaced, as a Dockerfile's ENV does it: `$NAME` and `${NAME}` are the value or nothing;
 * `${NAME:-word}` is `word` when the value is absent or empty, `${NAME:+word}` when it is not; words may hold variables
 * again. `\$` is a dollar sign, and `\}` a brace in a word; any other backslash, and a `$` before anything else, stays.
 * `what` names the text in errors.
 * @throws SPEC_INVALID for a brace that is not closed and for the shell's other forms
 */
export function expandVariables(text: string, values: ReadonlyMap<string, string>, what: string): string {
  const [expanded] = expandUntil(text, 0, '', values, what)
  return expanded
}

const NAME = /[A-Za-z_][A-Za-z0-9_]*/y

/** Expands from `start` to the first `closing` outside a variable, or to the end; returns where it stopped. */
function expandUntil(
  text: string,
  start: number,
  closing: string,
  values: ReadonlyMap<string, string>,
  what: string,
): [expanded: string, stop: number] {
  let expanded = ''
  let at = start
  while (at < text.length && (closing === '' || text[at] !== closing)) {
    const c = text[at]!
    const next = text[at + 1]
    if (c === '\\' && next !== undefined && (next === '$' || next === closing)) {
      expanded += next
      at += 2
    } else if (c === '$' && next === '{') {
      const [value, stop] = expandBraces(text, at, values, what)
      expanded += value
      at = stop
    } else {
      const name = c === '$' ? nameAt(text, at + 1) : ''
      expanded += name === '' ? c : (values.get(name) ?? '')
      at += 1 + name.length
    }
  }
  return [expanded, at]
}

/** Expands the `${…}` at `start`; returns the place behind it. */
function expandBraces(
  text: string,
  start: number,
  values: ReadonlyMap<string, string>,
  what: string,
): [value: string, stop: number] {
  const name = nameAt(text, start + 2)
  const behind = start + 2 + name.length
  const value = values.get(name) ?? ''
  if (name !== '' && text[behind] === '}') return [value, behind + 1]
  const form = text.slice(behind, behind + 2)
  if (name === '' || (form !== ':-' && form !== ':+')) throw refused(text, start, what)
  const [word, stop] = expandUntil(text, behind + 2, '}', values, what)
  if (text[stop] !== '}') throw refused(text, start, what)
  const takesWord = (form === ':-') === (value === '')
  return [takesWord ? word : form === ':-' ? value : '', stop + 1]
}

function nameAt(text: string, at: number): string {
  NAME.lastIndex = at
  return NAME.exec(text)?.[0] ?? ''
}

function refused(text: string, start: number, what: string): OcibakeError {
  // The value may be a secret: only the variable is shown, never what is behind a colon.
  const shown = /^\$\{[A-Za-z0-9_]*/.exec(text.slice(start))![0]
  return new OcibakeError(
    'SPEC_INVALID',
    `${what} has '${shown}', which is not closed or has a form that is unknown.`,
    {
      // biome-ignore lint/suspicious/noTemplateCurlyInString: the syntax of specs, shown to people
      hint: 'Forms: $NAME ${NAME} ${NAME:-word} ${NAME:+word}; write \\$ for a dollar sign.',
    },
  )
}
