import { createContext, Script } from 'node:vm'
import { checkLength, replaceEach } from '../../check-length.ts'
import { Fault } from '../../fault.ts'
import { asText, type Plain } from '../convert.ts'
import type { FunctionTable } from './function.ts'

/** Go's expressions take linear time, those of JavaScript may take forever: all of a template together have this. */
const PATIENCE_MS = 500

type Matching = (pattern: string, text: string) => readonly RegExpExecArray[]

/** The functions of regular expressions, for one template. */
export function regexFunctions(): FunctionTable {
  const found = patientMatching()
  return {
    regex: {
      plain: ([pattern, text]) => {
        const [match] = found(asText(pattern), asText(text))
        if (match === undefined) throw new Fault('the pattern of regex() matches nothing')
        return captured(match)
      },
    },
    regexall: { plain: ([pattern, text]) => found(asText(pattern), asText(text)).map(captured) },
    regex_replace: {
      plain: ([text, pattern, replacement]) =>
        replaced(asText(text), asText(replacement), found(asText(pattern), asText(text))),
    },
    replace: { plain: ([text, part, replacement]) => replaceEach(asText(text), asText(part), asText(replacement)) },
  }
}

/** Matches in a context of its own, since only such a one can be interrupted. */
function patientMatching(): Matching {
  const context = createContext({ matches: [] })
  const script = new Script('matches = [...text.matchAll(pattern)]')
  let left = PATIENCE_MS
  return (pattern, text) => {
    Object.assign(context, { pattern: compiled(pattern), text })
    const start = performance.now()
    try {
      if (left >= 1) script.runInContext(context, { timeout: Math.ceil(left) })
    } catch {
      left = 0
    }
    left -= performance.now() - start
    if (left <= 0) throw new Fault('the pattern takes too long')
    return context.matches as readonly RegExpExecArray[]
  }
}

/** All of it, or what its groups have: by their numbers, or by their names if they have some. */
function captured(match: RegExpExecArray): Plain {
  if (match.groups !== undefined)
    return Object.fromEntries(Object.entries(match.groups).map(([name, text]) => [name, text ?? null]))
  return match.length === 1 ? match[0] : match.slice(1).map((text) => text ?? null)
}

function replaced(text: string, replacement: string, matches: readonly RegExpExecArray[]): string {
  // Each group may be written as often as the replacement names it.
  const groups = replacement.split('$').length - 1
  checkLength(matches.length * replacement.length + (groups + 1) * text.length)
  let end = 0
  const pieces = matches.flatMap((match) => {
    const before = text.slice(end, match.index)
    end = match.index + match[0].length
    return [before, filled(replacement, match)]
  })
  return [...pieces, text.slice(end)].join('')
}

/** As Go's Regexp.Expand: `$1x` is the group called '1x', which there is not. */
function filled(replacement: string, match: RegExpExecArray): string {
  return replacement.replace(/\$(?:(\$)|\{(\w+)\}|(\w+))/g, (_, dollar, braced, bare) => {
    if (dollar !== undefined) return '$'
    const name: string = braced ?? bare
    return (/^\d+$/.test(name) ? match[Number(name)] : match.groups?.[name]) ?? ''
  })
}

const CLASSES: Readonly<Record<string, string>> = {
  alnum: '0-9A-Za-z',
  alpha: 'A-Za-z',
  digit: '0-9',
  lower: 'a-z',
  punct: '!-\\/:-@\\[-`{-~',
  space: '\\t\\n\\v\\f\\r ',
  upper: 'A-Z',
  word: '0-9A-Za-z_',
  xdigit: '0-9A-Fa-f',
}

/** An expression of Go's regexp/syntax as one of JavaScript, for the spelling that differs. @throws Fault */
function compiled(pattern: string): RegExp {
  const leading = /^\(\?([ims]+)\)/.exec(pattern)
  const body = pattern
    .slice(leading?.[0].length ?? 0)
    .replaceAll('(?P<', '(?<')
    .replace(/\[:(\w+):\]/g, (all, name) => CLASSES[name] ?? all)
    .replace(/(?<!\\)((?:\\\\)*)\\A/g, '$1(?<![^])')
    .replace(/(?<!\\)((?:\\\\)*)\\z/g, '$1(?![^])')
  try {
    return new RegExp(body, `g${leading?.[1] ?? ''}`)
  } catch {
    throw new Fault('the pattern is no regular expression')
  }
}
