import type { Stage } from './stages.ts'

/** What the specs of a Dockerfile are called, each otherwise: two stages may have one name, and an image that of a stage. */
export class SpecNames {
  readonly #name: string
  readonly #stages = new Map<Stage, string>()
  readonly #taken = new Set<string>()

  /** @param name that of the target, with which the others begin */
  constructor(name: string, stages: readonly Stage[], target: Stage) {
    this.#name = name
    this.#taken.add(name)
    this.#stages.set(target, name)
    for (const stage of stages.filter((one) => one !== target)) {
      const word = stage.name ?? String(stage.index)
      this.#stages.set(stage, this.#free([word, `${word}-${stage.index}`]))
    }
  }

  ofStage(stage: Stage): string {
    return this.#stages.get(stage)!
  }

  /** Another one for each call: the caller knows which image has one. */
  ofImage(image: string): string {
    const word = image
      // First of all: a registry's port has a colon, too.
      .replace(/^.*\//s, '')
      .replace(/[@:].*$/s, '')
      .replace(/[^A-Za-z0-9._-]+/g, '-')
    return this.#free([word])
  }

  #free(words: readonly string[]): string {
    const [name] = [...words, ...Array.from({ length: this.#taken.size }, (_, index) => `${words.at(-1)}-${index + 2}`)]
      .map((word) => `${this.#name}-${word}`)
      .filter((one) => !this.#taken.has(one))
    this.#taken.add(name!)
    return name!
  }
}
