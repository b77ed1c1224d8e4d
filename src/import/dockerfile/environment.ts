import { type Expression, merged, type Piece, Unreadable, type Variable } from './expression.ts'

/** A variable of the image as an instruction set it; what its value refers to is resolved. */
interface Definition {
  readonly name: string
  readonly value: readonly Resolved[]
}

/** Literal text, what another instruction set, or what the base has. */
type Resolved = string | { readonly set: Definition } | { readonly base: Variable; readonly word?: readonly Resolved[] }

/**
 * What `ENV` instructions make of the environment, the base's being unknown: each value stays an expression, and in the end
 * becomes one as a spec's `config.env` has it.
 */
export class Environment {
  readonly #current = new Map<string, Definition>()
  readonly #isEmpty: (text: string) => boolean

  /** @param isEmpty says of which texts nothing is left in the end */
  constructor(isEmpty: (text: string) => boolean = (text) => text === '') {
    this.#isEmpty = isEmpty
  }

  /** One instruction: its values see the environment as it was before it. @throws Unreadable */
  set(pairs: readonly (readonly [name: string, value: Expression])[]): void {
    const definitions = pairs.map(([name, value]) => ({ name, value: this.#resolve(value) }))
    for (const definition of definitions) this.#current.set(definition.name, definition)
  }

  /** The text that an expression is now. @throws Unreadable if that depends on the base */
  text(expression: Expression): string {
    const flat = flattened(this.#resolve(expression))
    const unknown = flat.find((piece) => typeof piece !== 'string')
    if (unknown === undefined) return flat.join('')
    throw new Unreadable(`$${'base' in unknown ? unknown.base.name : ''} is a variable of the base`)
  }

  /** An instruction has set the variable. */
  has(name: string): boolean {
    return this.#current.has(name)
  }

  /** What an expression is now, as far as it is known: literal text, and variables of the base. */
  pieces(expression: Expression): Expression {
    return merged(flattened(this.#resolve(expression)).map(asPiece))
  }

  /** Every variable with what it is now, in the order in which they were set first. */
  values(): (readonly [name: string, value: Expression])[] {
    return [...this.#current].map(([name, { value }]) => [name, merged(flattened(value).map(asPiece))])
  }

  /**
   * The variables for `config.env`, in an order in which each sees what it refers to: there an entry sees those before it.
   * A name that is in no order has its reason instead.
   */
  entries(): (readonly [name: string, value: string | Unreadable])[] {
    const definitions = [...this.#current.values()]
    const named = sorted(definitions, (definition) => this.#needs(definition, true))
    const order = named ?? sorted(definitions, (definition) => this.#needs(definition, false))
    return (order ?? definitions).map((definition) => {
      if (order === undefined) return [definition.name, new Unreadable('variables of one line refer to each other')]
      const value = named === undefined ? flattened(definition.value) : this.#shortened(definition.value)
      return [definition.name, written(value, '')]
    })
  }

  #resolve(expression: Expression): Resolved[] {
    return expression.flatMap((piece) => (typeof piece === 'string' ? [piece] : this.#resolveVariable(piece)))
  }

  #resolveVariable({ name, form, word = [], onlyUnset = false }: Variable): Resolved[] {
    const set = this.#current.get(name)
    const inner = form === undefined ? [] : this.#resolve(word)
    if (set === undefined) {
      if (onlyUnset) throw new Unreadable(`only the base knows whether it has a $${name} that is empty`)
      return [form === undefined ? { base: { name } } : { base: { name, form }, word: inner }]
    }
    if (form === undefined) return [{ set }]
    const value = flattened(set.value).filter((piece) => typeof piece !== 'string' || !this.#isEmpty(piece))
    const isSet = onlyUnset || value.some((piece) => typeof piece === 'string')
    if (!isSet && value.length > 0) throw new Unreadable(`only the base knows whether $${name} is empty`)
    if (form === ':-') return isSet ? [{ set }] : inner
    return isSet ? inner : []
  }

  /** A reference to what counts in the end stays one; others become what they stood for. */
  #shortened(value: readonly Resolved[]): Resolved[] {
    return value.flatMap((piece): Resolved[] => {
      if (typeof piece === 'string') return [piece]
      if ('set' in piece)
        return this.#current.get(piece.set.name) === piece.set ? [piece] : this.#shortened(piece.set.value)
      return [piece.word === undefined ? piece : { ...piece, word: this.#shortened(piece.word) }]
    })
  }

  /** Which definitions have to come before this one, and which behind it. */
  #needs(definition: Definition, named: boolean): { before: Definition[]; behind: Definition[] } {
    const references = variablesIn(named ? this.#shortened(definition.value) : flattened(definition.value))
    const before = references.flatMap((piece) => ('set' in piece ? [piece.set] : []))
    const behind = references.flatMap((piece) => {
      const changed = 'base' in piece ? this.#current.get(piece.base.name) : undefined
      return changed === undefined || changed === definition ? [] : [changed]
    })
    return { before, behind }
  }
}

function variablesIn(value: readonly Resolved[]): Exclude<Resolved, string>[] {
  return value.flatMap((piece) => {
    if (typeof piece === 'string') return []
    return 'word' in piece ? [piece, ...variablesIn(piece.word ?? [])] : [piece]
  })
}

/** Without references to what instructions set. */
function flattened(value: readonly Resolved[]): Exclude<Resolved, { set: Definition }>[] {
  const flat = value.flatMap((piece) => {
    if (typeof piece === 'string') return piece === '' ? [] : [piece]
    if ('set' in piece) return flattened(piece.set.value)
    return [piece.word === undefined ? piece : { ...piece, word: flattened(piece.word) }]
  })
  return flat
}

type Needs = (definition: Definition) => { before: Definition[]; behind: Definition[] }

/** As they are, as far as everybody's needs allow; undefined when they do not. */
function sorted(definitions: readonly Definition[], needs: Needs): Definition[] | undefined {
  const after = new Map(definitions.map((definition) => [definition, new Set<Definition>()]))
  for (const definition of definitions) {
    const { before, behind } = needs(definition)
    for (const other of before) if (other !== definition) after.get(definition)!.add(other)
    for (const other of behind) after.get(other)!.add(definition)
  }
  const order: Definition[] = []
  while (order.length < definitions.length) {
    const next = definitions.find(
      (definition) =>
        !order.includes(definition) && [...after.get(definition)!].every((other) => order.includes(other)),
    )
    if (next === undefined) return undefined
    order.push(next)
  }
  return order
}

/** As `expandVariables` reads it back. `closing` is the brace of the word in which the value stands. */
function written(value: readonly Resolved[], closing: '' | '}'): string | Unreadable {
  return writtenPieces(merged(value.map(asPiece)), closing)
}

function writtenPieces(pieces: Expression, closing: '' | '}'): string | Unreadable {
  let text = ''
  for (const [index, piece] of pieces.entries()) {
    const behind = pieces[index + 1]
    if (typeof piece === 'string') {
      text += piece.replaceAll('$', '\\$').replaceAll(closing || '\0', `\\${closing}`)
      if (piece.endsWith('\\') && behind !== undefined) return new Unreadable('a backslash stands before a variable')
    } else if (piece.form === undefined) {
      text += typeof behind === 'string' && /^\w/.test(behind) ? `\${${piece.name}}` : `$${piece.name}`
    } else {
      const word = writtenPieces(piece.word ?? [], '}')
      if (word instanceof Unreadable) return word
      text += `\${${piece.name}${piece.form}${word}}`
    }
  }
  return text
}

function asPiece(piece: Resolved): Piece {
  if (typeof piece === 'string') return piece
  if ('set' in piece) return { name: piece.set.name }
  return piece.word === undefined ? piece.base : { ...piece.base, word: piece.word.map(asPiece) }
}
