import type { Node } from 'web-tree-sitter'
import type { SourceText } from '../source-text.ts'
import { parseTemplate } from './parse-template.ts'
import type { CallExpression, Expression, ForExpression, ObjectEntry, Span } from './syntax.ts'
import { syntaxError } from './syntax-error.ts'

/** More than anybody writes, and less than what fills the stack. */
const DEEPEST = 150

/** Where a node is. */
export function spanOf(source: SourceText, node: Node): Span {
  return { source, start: node.startIndex, end: node.endIndex }
}

/** What is written in a node. */
export function textOf(source: SourceText, node: Node): string {
  return source.text.slice(node.startIndex, node.endIndex)
}

/** The expression that an `expression` node is. @throws TEMPLATE_INVALID when it is nested too deep */
export function parseExpression(source: SourceText, node: Node, depth = 0): Expression {
  return new ExpressionReader(source, depth).expression(node)
}

class ExpressionReader {
  readonly #source: SourceText
  #depth: number

  constructor(source: SourceText, depth: number) {
    this.#source = source
    this.#depth = depth
  }

  expression(node: Node): Expression {
    if (this.#depth >= DEEPEST) {
      const hint = 'Take it apart by `locals`.'
      throw syntaxError(this.#source, node.startIndex, `Expressions are nested more than ${DEEPEST} deep.`, hint)
    }
    this.#depth += 1
    try {
      return this.#term(withoutComments(node.children))
    } finally {
      this.#depth -= 1
    }
  }

  /** A term is flat in the tree: what it is of, then each index, attribute and splat behind it. */
  #term(nodes: readonly Node[]): Expression {
    const [first, ...rest] = nodes
    const inParentheses = first!.type === '('
    let term = inParentheses ? this.expression(rest[0]!) : this.#primary(first!)
    if (inParentheses) term = { ...term, at: this.#span(first!, rest[1]!) }
    const behind = inParentheses ? rest.slice(2) : rest
    for (const node of behind) {
      const at = this.#span(first!, node)
      const inner = node.firstNamedChild
      if (node.type === 'get_attr') term = { kind: 'select', of: term, key: this.#name(inner!), at }
      else if (node.type === 'index') term = { kind: 'select', of: term, key: this.#index(node), at }
      else term = this.#splat(term, inner!, at)
    }
    return term
  }

  #splat(of: Expression, node: Node, at: Span): Expression {
    const steps = withoutComments(node.namedChildren)
    // An index behind `.*` is of the list that the splat makes; behind `[*]` it is of each element.
    const own = node.type === 'attr_splat' ? steps.findIndex(({ type }) => type === 'index') : -1
    const inner = own < 0 ? steps : steps.slice(0, own)
    const keys = (nodes: readonly Node[]) =>
      nodes.map((step) => (step.type === 'get_attr' ? this.#name(step.firstNamedChild!) : this.#index(step)))
    const splat: Expression = { kind: 'splat', of, keys: keys(inner), at }
    const outer = own < 0 ? [] : steps.slice(own)
    return keys(outer).reduce<Expression>((term, key) => ({ kind: 'select', of: term, key, at }), splat)
  }

  #name(node: Node): Expression {
    return { kind: 'literal', value: textOf(this.#source, node), at: spanOf(this.#source, node) }
  }

  #index(node: Node): Expression {
    const inner = node.firstNamedChild!
    if (inner.type === 'new_index') return this.expression(withoutComments(inner.namedChildren)[0]!)
    return { kind: 'literal', value: Number(textOf(this.#source, inner).slice(1)), at: spanOf(this.#source, inner) }
  }

  #primary(node: Node): Expression {
    const at = spanOf(this.#source, node)
    const children = withoutComments(node.namedChildren)
    switch (node.type) {
      case 'expression':
        return this.expression(node)
      case 'literal_value':
        return this.#literal(children[0]!)
      case 'template_expr':
        return this.#template(children[0]!)
      case 'collection_value':
        return this.#collection(children[0]!)
      case 'variable_expr':
        return { kind: 'variable', name: textOf(this.#source, node), at }
      case 'function_call':
        return this.#call(children, at)
      case 'for_expr':
        return this.#for(children[0]!, at)
      case 'conditional': {
        const [condition, yes, no] = children.map((child) => this.expression(child))
        return { kind: 'conditional', condition: condition!, yes: yes!, no: no!, at }
      }
      case 'operation':
        return this.#operation(children[0]!, at)
      default:
        throw syntaxError(this.#source, at.start, `'${node.type}' cannot be read.`, 'Write it in another way.')
    }
  }

  #literal(node: Node): Expression {
    const at = spanOf(this.#source, node)
    const text = textOf(this.#source, node)
    if (node.type === 'string_lit') return this.#template(node)
    if (node.type === 'null_lit') return { kind: 'literal', value: null, at }
    if (node.type === 'bool_lit') return { kind: 'literal', value: text === 'true', at }
    if (!/^\d+(\.\d+)?([eE][-+]?\d+)?$/.test(text) || !Number.isFinite(Number(text)))
      throw syntaxError(this.#source, at.start, `'${text}' is no number.`, 'HCL has decimal numbers.')
    return { kind: 'literal', value: Number(text), at }
  }

  #template(node: Node): Expression {
    const at = spanOf(this.#source, node)
    const parts = parseTemplate(this.#source, node, (inner) => this.expression(inner))
    if (parts.length === 0) return { kind: 'literal', value: '', at }
    const [only] = parts
    return parts.length === 1 && typeof only === 'string'
      ? { kind: 'literal', value: only, at }
      : { kind: 'template', parts, at }
  }

  #collection(node: Node): Expression {
    const at = spanOf(this.#source, node)
    const children = withoutComments(node.namedChildren)
    if (node.type === 'tuple') {
      const elements = children.filter(({ type }) => type === 'expression').map((child) => this.expression(child))
      return { kind: 'tuple', elements, at }
    }
    const entries = children.filter(({ type }) => type === 'object_elem').map((child) => this.#entry(child))
    return { kind: 'object', entries, at }
  }

  #entry(node: Node): ObjectEntry {
    const [key, value] = withoutComments(node.namedChildren)
    const read = this.expression(key!)
    const bare = read.kind === 'variable' && !textOf(this.#source, key!).startsWith('(')
    return { key: bare ? { kind: 'literal', value: read.name, at: read.at } : read, value: this.expression(value!) }
  }

  #call([name, given]: readonly Node[], at: Span): CallExpression {
    const children = given === undefined ? [] : withoutComments(given.namedChildren)
    return {
      kind: 'call',
      name: textOf(this.#source, name!),
      arguments: children.filter(({ type }) => type === 'expression').map((child) => this.expression(child)),
      spread: children.some(({ type }) => type === 'ellipsis'),
      at,
    }
  }

  #for(node: Node, at: Span): ForExpression {
    const children = withoutComments(node.namedChildren)
    const intro = withoutComments(children.find(({ type }) => type === 'for_intro')!.namedChildren)
    const names = intro.filter(({ type }) => type === 'identifier').map((name) => textOf(this.#source, name))
    const results = children.filter(({ type }) => type === 'expression').map((child) => this.expression(child))
    const condition = children.find(({ type }) => type === 'for_cond')
    return {
      kind: 'for',
      ...(names.length > 1 ? { keyName: names[0]! } : {}),
      valueName: names.at(-1)!,
      collection: this.expression(intro.at(-1)!),
      ...(node.type === 'for_object_expr' ? { key: results[0]! } : {}),
      value: results.at(-1)!,
      ...(condition === undefined ? {} : { condition: this.expression(withoutComments(condition.namedChildren)[0]!) }),
      grouped: children.some(({ type }) => type === 'ellipsis'),
      at,
    }
  }

  #operation(node: Node, at: Span): Expression {
    const nodes = withoutComments(node.children)
    if (node.type === 'unary_operation') {
      return { kind: 'unary', operator: nodes[0]!.type, operand: this.#nested(nodes.slice(1)), at }
    }
    const operator = nodes.findIndex(({ type }) => OPERATORS.has(type))
    const [left, right] = [this.#nested(nodes.slice(0, operator)), this.#nested(nodes.slice(operator + 1))]
    return { kind: 'binary', operator: nodes[operator]!.type, left, right, at }
  }

  #nested(nodes: readonly Node[]): Expression {
    this.#depth += 1
    try {
      if (this.#depth < DEEPEST) return this.#term(nodes)
      const hint = 'Take it apart by `locals`.'
      throw syntaxError(this.#source, nodes[0]!.startIndex, `Expressions are nested more than ${DEEPEST} deep.`, hint)
    } finally {
      this.#depth -= 1
    }
  }

  #span(first: Node, last: Node): Span {
    return { source: this.#source, start: first.startIndex, end: last.endIndex }
  }
}

const OPERATORS = new Set(['*', '/', '%', '+', '-', '>', '>=', '<', '<=', '==', '!=', '&&', '||'])

const withoutComments = (nodes: readonly Node[]) => nodes.filter(({ type }) => type !== 'comment')
