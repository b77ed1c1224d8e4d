/**
 * The image's time: what the user gave, or else the newest time among the inputs that carry one (the base's `created`,
 * members of tarballs). Seconds since 1970 UTC. Local files do not count: a checkout gives them any time.
 */
export class NewestInput {
  readonly #given: number | undefined
  #newest: number

  constructor(given: number | undefined, base: number) {
    this.#given = given
    this.#newest = base
  }

  saw(seconds: number): void {
    if (seconds > this.#newest) this.#newest = seconds
  }

  get seconds(): number {
    return this.#given ?? this.#newest
  }
}
