import type { DraftStep, DraftValue } from '../../draft.ts'
import type { Action, ScriptAction, ScriptLine } from '../action.ts'
import type { Context } from '../context.ts'
import { splitShebang } from '../split-shebang.ts'
import type { Item } from './item.ts'
import { isFreeOfCwd } from './paths.ts'

/** The actions that stand for a script of which some commands are steps now. */
export function assembled(given: ScriptAction, items: readonly Item[], context: Context): Action[] {
  if (items.every(({ outcome }) => outcome === 'kept')) return [given]
  const script = withShell(given, items)
  const actions: Action[] = []
  let piece: Item[] = []
  let before: Item[] = []
  const comment: string[] = []
  const flush = () => {
    const isWork = piece.some((item) => item.state !== 'again' && !isComment(item))
    if (isWork) {
      const again = carried(before, piece)
      const above = [...script.comment, ...comment.splice(0)]
      actions.push({ ...script, lines: linesOf(again, piece, items), comment: above })
    } else comment.push(...piece.filter(isComment).map(textOfComment))
    before = [...before, ...piece]
    piece = []
  }
  for (const item of items) {
    if (item.outcome === 'dropped') continue
    if (item.outcome === 'kept') piece.push(item)
    else {
      const about = piece.splice(piece.findLastIndex((one) => !isComment(one)) + 1)
      flush()
      const step = shownStep(item.outcome, context)
      const above = [...comment.splice(0), ...about.map(textOfComment), ...step.comment]
      actions.push({ kind: 'step', step: { ...step, comment: above } })
    }
  }
  flush()
  return actions
}

/** A first line that says what reads the script would only say it for the first part. */
function withShell(script: ScriptAction, [first]: readonly Item[]): ScriptAction {
  if (!first?.text.startsWith('#!')) return script
  first.outcome = 'dropped'
  return { ...script, options: { shell: splitShebang(first.text), ...script.options } }
}

const isComment = ({ text }: Item) => text.startsWith('#') && !text.includes('\n')
const textOfComment = ({ text }: Item) => text.replace(/^#+\s*/, '')

/** What the shell of a later piece has to be told again. */
function carried(before: readonly Item[], piece: readonly Item[]): Item[] {
  const again = before.filter(({ state }) => state === 'again')
  const isFolder = ({ words, text }: Item) => words?.[0] === 'cd' || /^cd\s/.test(text)
  const own = piece.findIndex(({ words }) => words?.[0] === 'cd' && (words.length === 1 || words[1]!.startsWith('/')))
  const needsFolder = piece.slice(0, own < 0 ? undefined : own).some((item) => !isFreeOfCwd(item))
  const start = again.findLastIndex(
    ({ words }) => words?.[0] === 'cd' && (words.length === 1 || words[1]!.startsWith('/')),
  )
  return again.filter((item, index) => !isFolder(item) || (needsFolder && index >= start))
}

/** Commands that were on one line stay on it; `all` are those of the script, also what is gone from between them. */
function linesOf(again: readonly Item[], piece: readonly Item[], all: readonly Item[]): ScriptLine[] {
  const lines: { text: string; place: ScriptLine['place'] }[] = again.map(({ text, place }) => ({ text, place }))
  for (const [index, item] of piece.entries()) {
    const before = piece[index - 1]
    const glue = before === undefined ? '\n' : glueBetween(all, before, item)
    if (glue === '\n') lines.push({ text: item.text, place: item.place })
    else lines.at(-1)!.text += glue + item.text
  }
  return lines
}

function glueBetween(all: readonly Item[], before: Item, item: Item): Item['glue'] {
  const between = all.slice(all.indexOf(before) + 1, all.indexOf(item) + 1).map(({ glue }) => glue)
  return between.includes('\n') ? '\n' : between.includes('; ') ? '; ' : ' && '
}

/** Variables that were hidden are themselves again. */
function shownStep(step: DraftStep, { hidden }: Context): DraftStep {
  const shown = (value: DraftValue): DraftValue => {
    if (typeof value === 'string') return hidden.show(value)
    return Array.isArray(value) ? value.map(shown) : value
  }
  const fields = Object.entries(step.step ?? {}).map(([name, value]) => [name, shown(value)])
  return { ...step, step: Object.fromEntries(fields) }
}
