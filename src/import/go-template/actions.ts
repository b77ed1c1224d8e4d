/** A piece of a text: literal, or what stands between `{{` and `}}`. */
export type Piece = { readonly kind: 'literal'; readonly text: string } | Action

export interface Action {
  readonly kind: 'action'
  /** With its braces, as it is written. */
  readonly written: string
  readonly inner: string
}

const INNER = /(?:"(?:\\.|[^"\\\n])*"|`[^`]*`|[^"`}]|\}(?!\}))*/y

/** The pieces of a text, in which `{{-` and `-}}` have taken the white space beside them, and comments are left out. */
export function piecesOf(text: string): readonly Piece[] {
  const pieces: Piece[] = []
  let trims = false
  let from = 0
  const literal = (to: number, trimsEnd: boolean) => {
    const start = trims ? text.slice(from, to).trimStart() : text.slice(from, to)
    const kept = trimsEnd ? start.trimEnd() : start
    if (kept !== '') pieces.push({ kind: 'literal', text: kept })
  }
  for (let at = text.indexOf('{{'); at >= 0; at = text.indexOf('{{', from)) {
    const end = endOf(text, at + 2)
    if (end === undefined) break
    const whole = text.slice(at + 2, end)
    const trimsBefore = /^-\s/.test(whole)
    literal(at, trimsBefore)
    trims = /\s-$/.test(whole)
    const inner = whole.slice(trimsBefore ? 1 : 0, trims ? -1 : undefined).trim()
    if (!inner.startsWith('/*')) pieces.push({ kind: 'action', written: text.slice(at, end + 2), inner })
    from = end + 2
  }
  literal(text.length, false)
  return pieces
}

/** Where the `}}` of an action is: not within quotes. */
function endOf(text: string, from: number): number | undefined {
  INNER.lastIndex = from
  const { 0: inner } = INNER.exec(text)!
  const end = from + inner.length
  return text.startsWith('}}', end) ? end : undefined
}
