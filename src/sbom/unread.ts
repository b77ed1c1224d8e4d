import { type ByteString, display } from '../oci/name.ts'

/** Paths that are named for one reason: the others are counted. */
const NAMED = 5

interface Paths {
  /** The first few. */
  readonly named: Set<ByteString>
  last: ByteString
  count: number
}

/** What an image has that could not be read, and why: a list of packages says so where it is not complete. */
export class Unread {
  readonly #paths = new Map<string, Paths>()

  /** All that is to be said of a path comes in a row. @param why ends the sentence 'not read: /path, …' */
  add(path: ByteString, why: string): void {
    const paths = this.#paths.get(why)
    if (paths === undefined) {
      this.#paths.set(why, { named: new Set([path]), last: path, count: 1 })
    } else if (path !== paths.last) {
      paths.last = path
      paths.count++
      if (paths.named.size < NAMED) paths.named.add(path)
    }
  }

  /** One sentence for each reason, in the order of its text. */
  sentences(): string[] {
    return [...this.#paths]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([why, { named, count }]) => {
        const shown = [...named].sort().map((path) => `/${display(path)}`)
        const more = count > named.size ? ` and ${count - named.size} more` : ''
        return `Not read: ${shown.join(', ')}${more}: ${why}.`
      })
  }
}
