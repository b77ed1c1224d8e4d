import { createContext, Script } from 'node:vm'
import { Fault } from '../../fault.ts'
import { asText, type Plain } from '../convert.ts'
import type { FunctionTable } from './function.ts'

/** Go's expressions take linear time, those of JavaScript may take forever. */
const PATIENCE_MS = 1000

const context = createContext({ matches: undefined, pattern: undefined, text: undefined })
const matching = new Script('matches = [...text.matchAll(pattern)]')

export const regexFunctions: FunctionTable = {
  regex: {
    plain: ([pattern, text]) => {
      const [match] = found(asText(pattern), asText(text))
      if (match === undefined) throw new Fault('the pattern of regex() matches nothing')
      return captured(match)
    },
  },
  regexall: { plain: ([pattern, text]) => found(asText(pattern), asText(text)).map(captured) },
  regex_replace: {
    plain: ([text, pattern, replacement]) => replaced(asText(text), asText(pattern), asText(replacement)),
  },
  replace: { plain: ([text, part, replacement]) => asText(text).replaceAll(asText(part), () => asText(replacement)) },
}

/** All of it, or what its groups have: by their numbers, or by their names if they have some. */
function captured(match: RegExpExecArray): Plain {
  if (match.groups !== undefined)
    return Object.fromEntries(Object.entries(match.groups).map(([name, text]) => [name, text ?? null]))
  return match.length === 1 ? match[0] : match.slice(1).map((text) => text ?? null)
}

function replaced(text: string, pattern: string, replacement: string): string {
  let end = 0
  const pieces = found(pattern, text).flatMap((match) => {
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

function found(pattern: string, text: string): readonly RegExpExecArray[] {
  Object.assign(context, { pattern: compiled(pattern), text })
  try {
    matching.runInContext(context, { timeout: PATIENCE_MS })
  } catch {
    throw new Fault('the pattern takes too long')
  }
  return context.matches as readonly RegExpExecArray[]
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
