import { Fault } from '../fault.ts'
import type { Finding } from '../finding.ts'
import type { Findings } from '../findings.ts'
import type { Value } from '../value.ts'
import type { Evaluator } from './evaluate.ts'
import type { Root, Scope } from './scope.ts'
import { attributeOf, type Body, type Expression, placeOf } from './syntax.ts'

/** Longer chains of locals that use one another nobody writes. */
const DEEPEST = 50

/** The locals of a template: each is worked out when it is used for the first time. */
export class Locals {
  readonly #expressions: ReadonlyMap<string, Expression>
  readonly #findings: Findings
  readonly #values = new Map<string, { readonly value: Value; readonly found: readonly Finding[] }>()
  readonly #evaluating = new Set<string>()

  constructor(files: readonly Body[], findings: Findings) {
    this.#findings = findings
    const expressions = new Map<string, Expression>()
    for (const [name, expression] of files.flatMap((body) => localsIn(body))) {
      if (expressions.has(name)) findings.add(twice(name, expression))
      else expressions.set(name, expression)
    }
    this.#expressions = expressions
  }

  /** What `local.NAME` is. @param scope where locals may look, `local` itself included */
  root(evaluator: Evaluator, scope: () => Scope): Root {
    return (name) => {
      const { value, found } = this.#values.get(name) ?? this.#evaluate(name, evaluator, scope)
      // The first use may have been where findings do not count.
      for (const finding of found) this.#findings.add(finding)
      return value
    }
  }

  #evaluate(name: string, evaluator: Evaluator, scope: () => Scope) {
    const expression = this.#expressions.get(name)
    if (expression === undefined) throw new Fault(`there is no local '${name}'`)
    if (this.#evaluating.has(name)) throw new Fault(`the local '${name}' is made of itself`)
    if (this.#evaluating.size > DEEPEST) throw new Fault(`more than ${DEEPEST} locals are made of one another`)
    this.#evaluating.add(name)
    try {
      const { result, found } = this.#findings.captured(() => evaluator.apart(expression, scope()))
      const evaluated = { value: result, found }
      this.#values.set(name, evaluated)
      return evaluated
    } finally {
      this.#evaluating.delete(name)
    }
  }

  /** What became of each; to be asked when all builds are read. */
  findings(): readonly Finding[] {
    return [...this.#expressions].map(([name, expression]) => {
      const used = this.#values.has(name)
      const says = used ? `The local '${name}' is used.` : `Nothing that is built uses the local '${name}'.`
      const advice = used ? 'Its value stands wherever it was used.' : 'It is left out.'
      return { kind: 'mapped', id: 'OB142', place: placeOf(expression), says, advice }
    })
  }
}

function twice(name: string, expression: Expression): Finding {
  const says = `The local '${name}' is there twice; the first one counts.`
  return { kind: 'defect', id: 'OB142', place: placeOf(expression), says, advice: 'Packer refuses it: remove one.' }
}

function localsIn(body: Body): readonly (readonly [string, Expression])[] {
  return body.items.flatMap((item) => {
    if (item.kind !== 'block') return []
    if (item.type === 'locals') {
      return item.body.items
        .filter((inner) => inner.kind === 'attribute')
        .map(({ name, value }) => [name, value] as const)
    }
    const expression = item.type === 'local' ? attributeOf(item.body, 'expression') : undefined
    return expression === undefined ? [] : [[item.labels[0] ?? '', expression.value] as const]
  })
}
