import type { Finding } from './finding.ts'
import { inWords } from './in-words.ts'

/** Gathers findings in their order, each once: what is evaluated for several builds is found as often. */
export class Findings {
  readonly #found = new Map<string, Finding>()
  #captured: Finding[] | undefined

  add(found: Finding): void {
    const finding = { ...found, says: inWords(found.says), advice: inWords(found.advice) }
    if (this.#captured !== undefined) {
      this.#captured.push(finding)
      return
    }
    const { file, line, column } = finding.place
    const key = [finding.id, file, line, column, finding.says].join('\0')
    if (!this.#found.has(key)) this.#found.set(key, finding)
  }

  /** What work comes to, and what it found, which is added nowhere. */
  captured<T>(work: () => T): { readonly result: T; readonly found: readonly Finding[] } {
    const outer = this.#captured
    const found: Finding[] = []
    this.#captured = found
    try {
      return { result: work(), found }
    } finally {
      this.#captured = outer
    }
  }

  get all(): readonly Finding[] {
    return [...this.#found.values()]
  }
}
