import type { Finding } from './finding.ts'

/** Gathers findings in their order, each once: what is evaluated for several builds is found as often. */
export class Findings {
  readonly #found = new Map<string, Finding>()

  add(finding: Finding): void {
    const { file, line, column } = finding.place
    const key = [finding.id, file, line, column, finding.says].join('\0')
    if (!this.#found.has(key)) this.#found.set(key, finding)
  }

  get all(): readonly Finding[] {
    return [...this.#found.values()]
  }
}
