import { execFile } from 'node:child_process'
import { realpathSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

interface Place {
  /** Absolute. */
  readonly path: string
  readonly line: number
  readonly column: number | undefined
}

/**
 * Where an error was thrown that loading a spec ended in: `app.spec.ts:12:5`, or a file that it imports, named from where
 * the user is. undefined when nothing in the error says so.
 * @param file the spec, as the user named it
 */
export async function placeInSpec(error: unknown, file: string): Promise<string | undefined> {
  if (!(error instanceof Error)) return undefined
  const path = realpathSync(resolve(file))
  const found = error instanceof SyntaxError ? await placeOfSyntax(error, path) : placeThrown(error)
  if (found === undefined) return undefined
  const name = found.path === path ? file : join(dirname(file), relative(dirname(path), found.path))
  return [name, found.line, found.column].filter((part) => part !== undefined).join(':')
}

/** V8 keeps where a module of JavaScript ends to be one to itself, and says it when such a file is checked. */
async function placeOfSyntax(error: SyntaxError, path: string): Promise<Place | undefined> {
  return placeAbove(error.stack ?? '') ?? placeThrown(error) ?? placeAbove(await complaintOf(path))
}

function complaintOf(path: string): Promise<string> {
  if (/\.[cm]?ts$/.test(path)) return Promise.resolve('')
  return new Promise((resolve) => {
    execFile(process.execPath, ['--check', path], { timeout: 10_000 }, (_, __, stderr) => resolve(stderr))
  })
}

/** What Node puts above a syntax error: the file and line, then lines of it, of which the last is marked. */
function placeAbove(text: string): Place | undefined {
  const [, url, line] = /^((?:file:\/\/)?\/.*):(\d+)\n/.exec(text) ?? []
  if (url === undefined) return undefined
  const marks = text.split('\n').find((row, index) => index > 1 && /^\s*\^+\s*$/.test(row))
  return { path: pathOf(url), line: Number(line), column: marks === undefined ? undefined : marks.search(/\^/) + 1 }
}

/** The innermost call that is neither Node's nor a library's. */
function placeThrown(error: Error): Place | undefined {
  const place = callsOf(error).find(({ path }) => !path.includes('/node_modules/'))
  // Whoever calls a spec stands in the stack behind it. A bundle knows no better where it is.
  const [own] = callsOf(new Error('here'))
  return place === undefined || dirname(place.path) === dirname(own?.path ?? '') ? undefined : place
}

/** The calls that led to an error, innermost first, without those within Node. */
function callsOf({ stack = '', message }: Error): Place[] {
  // Lines of the message may look like calls.
  const rows = stack.slice(Math.max(0, stack.indexOf(message)) + message.length).split('\n')
  return rows.flatMap((row) => {
    const [, url, line, column] = /^\s+at (?:.* \()?(?:async )?((?:file:\/\/)?\/.*?):(\d+):(\d+)\)?$/.exec(row) ?? []
    return url === undefined ? [] : [{ path: pathOf(url), line: Number(line), column: Number(column) }]
  })
}

const pathOf = (url: string) => (url.startsWith('file://') ? fileURLToPath(url) : url)
