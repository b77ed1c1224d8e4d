import { OcibakeError } from '../errors.ts'
import { isFields, isList, isMixed, type Value } from './value.ts'

/** Steps that no template for people comes near; a tenth of a second's work. */
const STEPS = 2_000_000
const CHARACTERS_PER_STEP = 16

/** Bounds what evaluating a template may cost, since loops and texts that double grow without end. */
export class Budget {
  readonly #what: string
  readonly #weights = new WeakMap<object, number>()
  #left = STEPS

  /** @param what the template, for the message */
  constructor(what: string) {
    this.#what = what
  }

  /** @throws TEMPLATE_INVALID when all is spent */
  spend(steps: number): void {
    this.#left -= steps
    if (this.#left < 0) throw this.#tooMuch()
  }

  spendText(characters: number): void {
    this.spend(textSteps(characters))
  }

  /**
   * How many steps it takes to go through a value. Lists that are in several places of another are there once, so that a
   * value of a few lines may take for ever.
   * @throws TEMPLATE_INVALID when it is more than a whole template may cost
   */
  weigh(value: Value): number {
    if (typeof value === 'string') return textSteps(value.length)
    if (typeof value !== 'object' || value === null) return 1
    const known = this.#weights.get(value)
    if (known !== undefined) return known
    const weight = 1 + this.#inner(value).reduce<number>((sum, inner) => sum + this.weigh(inner), 0)
    if (weight > STEPS) throw this.#tooMuch()
    this.#weights.set(value, weight)
    return weight
  }

  #inner(value: Value): readonly Value[] {
    if (isMixed(value)) return value.parts.filter((part) => typeof part === 'string')
    if (isList(value)) return value
    return isFields(value) ? Object.values(value) : []
  }

  #tooMuch(): OcibakeError {
    return new OcibakeError(
      'TEMPLATE_INVALID',
      `What ${this.#what} computes is too much: loops or texts without measure.`,
      {
        hint: 'Look for a `for` over a large range, or a text that is made of itself many times.',
      },
    )
  }
}

const textSteps = (characters: number) => 1 + Math.ceil(characters / CHARACTERS_PER_STEP)
