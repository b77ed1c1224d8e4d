import type { Placeholders } from '../placeholders.ts'
import { isSecretName } from '../secret-name.ts'
import { knownText, partsOf } from '../text.ts'
import { isMixed, isReference, Mixed, Reference, type Text } from '../value.ts'
import { Environment } from './environment.ts'
import { type Expression, merged, readExpression, readHeredocExpression, type Variable } from './expression.ts'

/** What variables an instruction sees: those of ENV, then those of ARG, then those of the base, which nobody knows here. */
export class Scope {
  readonly environment = new Environment((text) => !this.#isFull([text]))
  /** What ARG declares; undefined has no value. */
  readonly args: Map<string, Text | undefined>
  /** What the stage that this one stands on has set. */
  readonly #inherited: ReadonlyMap<string, Expression>
  readonly #hidden: Placeholders
  readonly #escaper: string
  /** The base has no variables, being nothing. */
  readonly #isBare: boolean
  /** Every variable of the base that was asked for. */
  readonly unknown = new Set<string>()
  /** Every ARG of which an instruction has only made what its value is now. */
  readonly decided = new Set<string>()

  constructor(hidden: Placeholders, escaper: string, below: Scope | undefined, isBare: boolean) {
    this.#hidden = hidden
    this.#escaper = escaper
    this.args = new Map(below?.args)
    this.#inherited = new Map(below === undefined ? [] : [...below.#inherited, ...below.environment.values()])
    this.#isBare = below === undefined ? isBare : below.#isBare
  }

  /** ENV, whose values keep what is the base's. @throws Unreadable */
  set(pairs: readonly (readonly [name: string, value: string])[]): void {
    this.environment.set(pairs.map(([name, value]) => [name, this.#known(readExpression(value, this.#escaper))]))
  }

  /** A text with its variables' values, hidden as placeholders where they are not literal. @throws Unreadable */
  expand(text: string): string {
    return this.#flat(this.environment.pieces(this.#known(readExpression(text, this.#escaper))))
  }

  /** As `expand`, of the text of a heredoc. @throws Unreadable */
  expandHeredoc(text: string): string {
    return this.#flat(this.environment.pieces(this.#known(readHeredocExpression(text))))
  }

  /** The variables that a script sees beside those of the base; undefined for a value in which those of the base are. */
  forScripts(): (readonly [name: string, value: string | Expression])[] {
    const env = this.environment.values()
    const args = [...this.args].filter(([name]) => !this.environment.has(name) && !this.#inherited.has(name))
    return [
      ...args.flatMap(([name, value]) => (value === undefined ? [] : [[name, this.#hidden.hide(value)] as const])),
      ...env.map(([name, value]) => {
        const known = this.#isBare ? value.filter((piece) => typeof piece === 'string') : value
        return [name, known.every((piece) => typeof piece === 'string') ? known.join('') : known] as const
      }),
    ]
  }

  /** With what ARG and the stages below say in the place of variables that ENV does not set. */
  #known(expression: Expression): Expression {
    return merged(expression.flatMap((piece) => (typeof piece === 'string' ? [piece] : this.#knownPiece(piece))))
  }

  #knownPiece(piece: Variable): Expression {
    const { name, form, word = [], onlyUnset = false } = piece
    const inner = this.#known(word)
    if (this.environment.has(name)) return [form === undefined ? piece : { ...piece, word: inner }]
    const inherited = this.#inherited.get(name)
    if (inherited === undefined && !this.args.has(name) && (!this.#isBare || name === 'PATH'))
      return [form === undefined ? piece : { ...piece, word: inner }]
    const value = inherited ?? this.#argPieces(name)
    if (form === undefined) return value
    const isSet = inherited === undefined ? this.#isFull(value) : onlyUnset || this.#isFull(inherited)
    if (inherited !== undefined) return form === ':-' ? (isSet ? value : inner) : isSet ? inner : []
    if (form === ':-') return isSet ? value : this.#defaulted(name, inner)
    if (this.#variableOf(name) !== undefined) this.decided.add(name)
    return isSet ? inner : []
  }

  #argPieces(name: string): Expression {
    const value = this.args.get(name)
    return value === undefined ? [] : [this.#hidden.hide(value)].filter((text) => text !== '')
  }

  /** An ARG that has no value counts as one that is empty, which it is for the spec. */
  #isFull(value: Expression): boolean {
    if (value.some((piece) => typeof piece !== 'string')) return true
    const known = this.#hidden.show(value.join(''))
    return (this.#isAsked(known) ? '' : knownText(known)) !== ''
  }

  /** It is a variable alone that whoever builds has to give. */
  #isAsked(text: Text): boolean {
    return isMixed(text) && text.parts.length === 1 && isReference(text.parts[0]) && text.parts[0].value === undefined
  }

  /** The ARG that a variable of the spec stands for. */
  #variableOf(name: string): Reference | undefined {
    const [part, ...others] = partsOf(this.args.get(name) ?? '')
    return others.length === 0 && isReference(part) ? part : undefined
  }

  /** `${NAME:-word}` of an ARG without a value: a variable with that default, so that who gives it one is heard. */
  #defaulted(name: string, word: Expression): Expression {
    const variable = this.#variableOf(name)
    if (variable === undefined) return word
    const fallback = word.every((piece) => typeof piece === 'string') ? this.#hidden.show(word.join('')) : undefined
    if (typeof fallback === 'string' && !isSecretName(name))
      return [this.#hidden.hide(new Mixed([new Reference(variable.variable, fallback)]))]
    this.decided.add(name)
    return word
  }

  /** Whether the base has it, nobody knows: what stands for it if it has none is its default, else it has to be given. */
  #ofBase({ name, form, word = [] }: Variable): string {
    if (form === ':+') return ''
    this.unknown.add(name)
    const inner = form === undefined ? undefined : this.#flat(word)
    const known = inner === undefined ? undefined : knownText(this.#hidden.show(inner))
    return this.#hidden.hide(new Mixed([new Reference(name, known)]))
  }

  #flat(pieces: Expression): string {
    return pieces.map((piece) => (typeof piece === 'string' ? piece : this.#ofBase(piece))).join('')
  }
}
