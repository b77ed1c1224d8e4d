import { posix } from 'node:path'
import { type Statement, shellStatements } from '../../shell/statements.ts'
import type { Place } from '../../value.ts'
import type { ScriptAction } from '../action.ts'
import type { Context } from '../context.ts'
import type { Item, ShellState } from './item.ts'

/** Commands whose failure nobody waits for as for an answer: a chain of them is as good as one a line. */
const PLAIN = new Set([
  ...[
    'apt',
    'apt-get',
    'aws',
    'cd',
    'chmod',
    'chown',
    'cp',
    'curl',
    'echo',
    'install',
    'ln',
    'ls',
    'mkdir',
    'mv',
    'rm',
  ],
  ...['s5cmd', 'sleep', 'tar', 'unzip', 'wget', 'yum', 'dnf', 'apk', 'export', 'set', 'groupadd', 'useradd'],
])
/** awscli's installer is all that is run from where it was unpacked. */
const isPlainProgram = (program: string) => PLAIN.has(program) || /(^|\/)aws\/install$/.test(program)
const AGAIN = new Set(['cd', 'export', 'set', 'umask', 'shopt', 'readonly', 'ulimit', 'unset'])
const LOST = new Set([
  ...['.', 'source', 'eval', 'exec', 'exit', 'return', 'trap', 'alias', 'read', 'declare', 'typeset', 'local', 'shift'],
  ...[
    'hash',
    'pushd',
    'popd',
    'wait',
    'getopts',
    'enable',
    'builtin',
    'command',
    'let',
    'mapfile',
    'function',
    'break',
  ],
])
const HOME = '/root'

/** The commands of a script in their order; its text is in them whole. */
export function itemsOfScript(script: ScriptAction, action: number, { hidden }: Context): Item[] {
  const text = script.lines.map((line) => line.text).join('\n')
  const places = placesOf(script)
  const items: Item[] = []
  let cwd: string | undefined = ''
  for (const statement of shellStatements(text, (character) => hidden.isUnclear(character))) {
    for (const part of partsOf(statement)) {
      const goesTo: string | undefined = part.words === undefined ? undefined : folderOf(part.words, cwd)
      const first = part.index === 0
      const glue = !first ? ' && ' : statement.sameLine ? '; ' : '\n'
      const shared = { action, glue, cwd, goesTo, place: places(statement.start), outcome: 'kept' } as const
      items.push({ ...shared, ...part, state: stateOf(statement, part.words) })
      if (part.words?.[0] === 'cd') cwd = goesTo
      else if (part.words === undefined && statement.heads.some((head) => /^(cd|pushd|popd)$/.test(head)))
        cwd = undefined
    }
  }
  return items
}

type Part = Pick<Item, 'text' | 'words' | 'pipe' | 'globs'> & { readonly index: number }

function partsOf({ text, commands, pipe }: Statement): Part[] {
  const isPlain = commands?.every(({ words }) => commands.length === 1 || isPlainProgram(words[0]!)) === true
  if (commands !== undefined && isPlain) {
    return commands.map((command, index) => ({ ...command, pipe: undefined, index }))
  }
  const both = pipe === undefined ? undefined : ([pipe[0].words, pipe[1].words] as const)
  return [{ text, words: undefined, pipe: both, globs: pipe?.some(({ globs }) => globs) === true, index: 0 }]
}

function stateOf(statement: Statement, words: readonly string[] | undefined): ShellState {
  const heads = words === undefined ? statement.heads : [words[0]!]
  // What is allowed to fail is no step, which is not.
  if (/^set\s+\+/.test(statement.text)) return 'lost'
  if (statement.assigns) return statement.substitutes ? 'lost' : 'again'
  if (heads.some((head) => LOST.has(head)) || statement.isOdd) return 'lost'
  if (!heads.some((head) => AGAIN.has(head))) return 'none'
  return heads.length === 1 && !statement.substitutes && !/[<>|]/.test(statement.text) ? 'again' : 'lost'
}

function folderOf(words: readonly string[], cwd: string | undefined): string | undefined {
  if (words[0] !== 'cd') return undefined
  const [, to = HOME, ...others] = words
  if (others.length > 0 || to.startsWith('-')) return undefined
  return absolutePath(to, cwd)
}

/** undefined when it depends on a folder that is not known. */
export function absolutePath(path: string, cwd: string | undefined): string | undefined {
  if (path.startsWith('/')) return withoutSlash(posix.normalize(path))
  return cwd === undefined || cwd === '' ? undefined : withoutSlash(posix.join(cwd, path))
}

const withoutSlash = (path: string) => path.replace(/(?<=.)\/+$/, '')

/** Which line of the template a place of the script comes from. */
function placesOf({ lines, place }: ScriptAction): (offset: number) => Place {
  let end = 0
  const ends = lines.map(({ text }) => {
    end += text.length + 1
    return end
  })
  return (offset) => lines[ends.findIndex((one) => offset < one)]?.place ?? place
}
