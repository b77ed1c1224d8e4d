/** Changes after which a name is taken for a misspelt one, also as a part of what is written. */
const MOST_CHANGES = 3
const MOST_PART = 0.5

/** Which of the names somebody is likely to have meant; undefined: none. */
export function nearestName(written: string, names: readonly string[]): string | undefined {
  const most = Math.min(MOST_CHANGES, MOST_PART * written.length)
  const rated = names.map((name) => ({ name, changes: changesTo(name, written) }))
  // Few get the first letter wrong: `base` is not meant as `name`.
  const isLikely = (name: string, changes: number) => changes <= (name[0] === written[0] ? most : 1)
  return rated.filter(({ name, changes }) => isLikely(name, changes)).sort((a, b) => a.changes - b.changes)[0]?.name
}

/** To be put behind a name that nobody knows: ` (did you mean 'run'?)`, or nothing. */
export function didYouMean(written: string, names: readonly string[]): string {
  const name = nearestName(written, names)
  return name === undefined ? '' : ` (did you mean '${name}'?)`
}

/** What only goes on or ends otherwise (`environment` for `env`, `time` for `timeout`) is one change away. */
function changesTo(name: string, written: string): number {
  if (name.length > 2 && written.startsWith(name)) return 1
  return Math.min(distance(name, written), distance(name.slice(0, written.length), written) + 1)
}

/** Letters that are added, left out, replaced, or swapped with the next one. */
function distance(a: string, b: string): number {
  const rows = [Array.from({ length: b.length + 1 }, (_, j) => j)]
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const isSame = a[i - 1] === b[j - 1]
      const isSwapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]
      const swap = isSwapped ? rows[i - 2]![j - 2]! + 1 : Number.POSITIVE_INFINITY
      row.push(Math.min(rows[i - 1]![j]! + 1, row[j - 1]! + 1, rows[i - 1]![j - 1]! + (isSame ? 0 : 1), swap))
    }
    rows.push(row)
  }
  return rows[a.length]![b.length]!
}
