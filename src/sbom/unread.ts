import { type ByteString, display } from '../oci/name.ts'

/** Paths that are named for one reason: the others are counted. */
const NAMED = 5

/** What an image has that could not be read, and why: a list of packages says so where it is not complete. */
export class Unread {
  readonly #paths = new Map<string, ByteString[]>()

  /** @param why ends the sentence 'not read: /path, …' */
  add(path: ByteString, why: string): void {
    const paths = this.#paths.get(why)
    if (paths === undefined) this.#paths.set(why, [path])
    else paths.push(path)
  }

  /** One sentence for each reason, in the order of its text. */
  sentences(): string[] {
    return [...this.#paths.keys()].sort().map((why) => {
      const paths = [...new Set(this.#paths.get(why))].sort()
      const named = paths.slice(0, NAMED).map((path) => `/${display(path)}`)
      const more = paths.length > NAMED ? ` and ${paths.length - NAMED} more` : ''
      return `Not read: ${named.join(', ')}${more}: ${why}.`
    })
  }
}
