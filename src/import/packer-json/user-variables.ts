import type { Budget } from '../budget.ts'
import { Fault, Unknowable } from '../fault.ts'
import type { Finding } from '../finding.ts'
import { goContext } from '../go-template/context.ts'
import type { GoSurroundings } from '../go-template/functions.ts'
import { renderText } from '../go-template/render.ts'
import { madeOfEnvironment } from '../made-of-environment.ts'
import { isSecretName } from '../secret-name.ts'
import type { Variable } from '../template.ts'
import { knownText } from '../text.ts'
import { Mixed, type Place, Reference, type Text } from '../value.ts'

/** A variable as `variables` has it. */
export interface UserVariable {
  readonly name: string
  readonly place: Place
  /** null: whoever builds has to give it. */
  readonly text: string | null
  readonly textPlace: Place
}

interface Resolved {
  readonly default: Text | undefined
  readonly value: string | undefined
}

const DEEPEST = 50
const ENV_ALONE = /^\{\{-?\s*env\s+(?:`([^`]+)`|"([^"\\]+)")\s*-?\}\}$/

/** The user variables of a JSON template. One may be made of others, and of the environment. */
export class UserVariables {
  readonly #declared: ReadonlyMap<string, UserVariable>
  readonly #given: ReadonlyMap<string, string>
  readonly #surroundings: GoSurroundings
  readonly #budget: Budget
  readonly #report: (finding: Finding) => void
  readonly #sensitive: ReadonlySet<string>
  readonly #resolved = new Map<string, Resolved>()
  readonly #resolving = new Set<string>()

  constructor(options: {
    readonly declared: readonly UserVariable[]
    readonly given: ReadonlyMap<string, string>
    readonly sensitive: ReadonlySet<string>
    readonly surroundings: GoSurroundings
    readonly budget: Budget
    readonly report: (finding: Finding) => void
  }) {
    this.#declared = new Map(options.declared.map((variable) => [variable.name, variable]))
    this.#given = options.given
    this.#surroundings = options.surroundings
    this.#budget = options.budget
    this.#report = options.report
    this.#sensitive = options.sensitive
  }

  isSensitive(name: string): boolean {
    return this.#sensitive.has(name) || isSecretName(name)
  }

  /** What `{{user `name`}}` is. @throws Unknowable when no variable has the name */
  reference(name: string): Text {
    const variable = this.#declared.get(name)
    if (variable === undefined)
      throw new Unknowable(`no variable is called '${name}', and Packer writes nothing in its place`)
    return new Mixed([new Reference(name, this.#resolve(variable).value)])
  }

  get all(): readonly Variable[] {
    return [...this.#declared.values()].map((variable) => {
      const { default: default_, value } = this.#resolve(variable)
      const env = environmentName(variable.text)
      // What the environment has now is not for the spec.
      const fixed = env === undefined ? default_ : ''
      const isMade = env === undefined && /\{\{[^}]*\benv\b/.test(variable.text ?? '')
      if (isMade) this.#report(madeOfEnvironment(variable.name, variable.textPlace))
      return {
        name: variable.name,
        place: variable.place,
        sensitive: this.isSensitive(variable.name),
        ...(env === undefined ? {} : { env }),
        ...(fixed === undefined || isMade ? {} : { default: fixed }),
        ...(isMade && !this.#given.has(variable.name) ? { isOfEnvironment: true } : {}),
        ...(value === undefined ? {} : { value }),
      }
    })
  }

  #resolve(variable: UserVariable): Resolved {
    const { name } = variable
    const known = this.#resolved.get(name)
    if (known !== undefined) return known
    if (this.#resolving.has(name)) throw new Fault(`the variable '${name}' is made of itself`)
    if (this.#resolving.size > DEEPEST) throw new Fault(`more than ${DEEPEST} variables are made of one another`)
    this.#resolving.add(name)
    const default_ = variable.text === null ? undefined : this.#render(variable.text, variable.textPlace)
    this.#resolving.delete(name)
    const value = this.#given.get(name) ?? (default_ === undefined ? undefined : knownText(default_))
    this.#budget.spendText(value?.length ?? 0)
    const resolved = { default: default_, value }
    this.#resolved.set(name, resolved)
    return resolved
  }

  #render(text: string, place: Place): Text {
    const surroundings = { ...this.#surroundings, user: (name: string) => this.reference(name) }
    const context = goContext(surroundings, 'error', (name) => this.isSensitive(name), this.#report)
    return renderText(text, context(place))
  }
}

function environmentName(text: string | null): string | undefined {
  const found = text === null ? null : ENV_ALONE.exec(text.trim())
  return found?.[1] ?? found?.[2]
}
