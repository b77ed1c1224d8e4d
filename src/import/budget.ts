import { OcibakeError } from '../errors.ts'

/** Steps that no template for people comes near; a tenth of a second's work. */
const STEPS = 2_000_000
const CHARACTERS_PER_STEP = 16

/** Bounds what evaluating a template may cost, since loops and texts that double grow without end. */
export class Budget {
  readonly #what: string
  #left = STEPS

  /** @param what the template, for the message */
  constructor(what: string) {
    this.#what = what
  }

  /** @throws TEMPLATE_INVALID when all is spent */
  spend(steps: number): void {
    this.#left -= steps
    if (this.#left >= 0) return
    throw new OcibakeError(
      'TEMPLATE_INVALID',
      `What ${this.#what} computes is too much: loops or texts without measure.`,
      {
        hint: 'Look for a `for` over a large range, or a text that is made of itself many times.',
      },
    )
  }

  spendText(characters: number): void {
    this.spend(Math.ceil(characters / CHARACTERS_PER_STEP))
  }
}
