import type { Attribute, Block } from '../template.ts'
import { isList, type Value } from '../value.ts'
import type { Evaluator } from './evaluate.ts'
import type { Scope } from './scope.ts'
import { attributeOf, type BlockSyntax, type Body, blocksOf, type Expression, placeOf } from './syntax.ts'

/** What is in a body, evaluated. */
export type Contents = Pick<Block, 'attributes' | 'blocks'>

/** A block with what is in it evaluated, and its dynamic blocks made. @param type what it is called; usually its first label */
export function blockOf(syntax: BlockSyntax, type: string, evaluator: Evaluator, scope: Scope): Block {
  return { type, place: placeOf(syntax), ...contentsOf(syntax.body, evaluator, scope) }
}

/** The attributes and blocks of a body, evaluated. */
export function contentsOf(body: Body, evaluator: Evaluator, scope: Scope): Contents {
  const attributes = body.items
    .filter((item) => item.kind === 'attribute')
    .map(({ name, value, at }) => [name, attribute(evaluator.value(value, scope), value, { at })] as const)
  const blocks = expanded(body, evaluator, scope).map(({ syntax, scope: inner }) => {
    const block = blockOf(syntax, syntax.type, evaluator, inner)
    return syntax.labels[0] === undefined ? block : { ...block, name: syntax.labels[0] }
  })
  return { attributes: new Map(attributes), blocks }
}

function attribute(value: Value, expression: Expression, at: Pick<Expression, 'at'>): Attribute {
  const place = placeOf(at)
  return expression.kind === 'tuple' ? { value, place, elements: expression.elements.map(placeOf) } : { value, place }
}

/** A block and the names that it may use. */
export interface Scoped {
  readonly syntax: BlockSyntax
  readonly scope: Scope
}

/** The blocks of a body in their order, with each `dynamic` block replaced by those that it makes. */
export function expanded(body: Body, evaluator: Evaluator, scope: Scope): readonly Scoped[] {
  return body.items
    .filter((item) => item.kind === 'block')
    .flatMap((syntax) => (syntax.type === 'dynamic' ? made(syntax, evaluator, scope) : [{ syntax, scope }]))
}

function made(syntax: BlockSyntax, evaluator: Evaluator, scope: Scope): readonly Scoped[] {
  const type = syntax.labels[0] ?? ''
  const [content] = blocksOf(syntax.body, 'content')
  const iterator = attributeOf(syntax.body, 'iterator')?.value
  const name = iterator?.kind === 'variable' ? iterator.name : type
  const labels = attributeOf(syntax.body, 'labels')?.value
  const forEach = attributeOf(syntax.body, 'for_each')?.value
  const rounds = forEach === undefined ? [] : evaluator.entries(forEach, scope)
  return rounds.map(([key, value]) => {
    const inner = { ...scope, names: new Map(scope.names).set(name, { key, value }) }
    const named = labels === undefined ? [] : labelsOf(evaluator.value(labels, inner))
    return { syntax: { ...syntax, type, labels: named, body: content?.body ?? { items: [] } }, scope: inner }
  })
}

function labelsOf(value: Value): readonly string[] {
  return isList(value) ? value.map((label) => (typeof label === 'string' ? label : '')) : []
}
