import type { SourceText } from '../source-text.ts'
import type { Place } from '../value.ts'

/** A stretch of a file: offsets in UTF-16 units, the end exclusive. */
export interface Span {
  readonly source: SourceText
  readonly start: number
  readonly end: number
}

/** What is between the braces of a block, or in a file. */
export interface Body {
  readonly items: readonly (AttributeSyntax | BlockSyntax)[]
}

export interface AttributeSyntax {
  readonly kind: 'attribute'
  readonly name: string
  readonly value: Expression
  readonly at: Span
}

export interface BlockSyntax {
  readonly kind: 'block'
  readonly type: string
  readonly labels: readonly string[]
  readonly body: Body
  /** Of its head, from the type to the brace. */
  readonly at: Span
}

interface Located {
  readonly at: Span
}

/** An expression of HCL's native syntax (hclsyntax/spec.md, "Expressions"). */
export type Expression = Located &
  (
    | { readonly kind: 'literal'; readonly value: string | number | boolean | null }
    | { readonly kind: 'template'; readonly parts: readonly TemplatePart[] }
    | { readonly kind: 'tuple'; readonly elements: readonly Expression[] }
    | { readonly kind: 'object'; readonly entries: readonly ObjectEntry[] }
    | ForExpression
    | { readonly kind: 'variable'; readonly name: string }
    | CallExpression
    | {
        readonly kind: 'conditional'
        readonly condition: Expression
        readonly yes: Expression
        readonly no: Expression
      }
    | { readonly kind: 'unary'; readonly operator: string; readonly operand: Expression }
    | {
        readonly kind: 'binary'
        readonly operator: string
        readonly left: Expression
        readonly right: Expression
      }
    | { readonly kind: 'select'; readonly of: Expression; readonly key: Expression }
    | { readonly kind: 'splat'; readonly of: Expression; readonly keys: readonly Expression[] }
  )

export interface ObjectEntry {
  readonly key: Expression
  readonly value: Expression
}

export type ForExpression = Located & {
  readonly kind: 'for'
  readonly keyName?: string
  readonly valueName: string
  readonly collection: Expression
  /** Only of a for expression that makes an object. */
  readonly key?: Expression
  readonly value: Expression
  readonly condition?: Expression
  /** `...`: values of equal keys are gathered in a list. */
  readonly grouped: boolean
}

export type CallExpression = Located & {
  readonly kind: 'call'
  readonly name: string
  readonly arguments: readonly Expression[]
  /** `...` behind the last argument: its elements are the arguments. */
  readonly spread: boolean
}

export type TemplatePart =
  | string
  | { readonly kind: 'interpolation'; readonly value: Expression }
  | {
      readonly kind: 'if'
      readonly condition: Expression
      readonly yes: readonly TemplatePart[]
      readonly no: readonly TemplatePart[]
    }
  | {
      readonly kind: 'loop'
      readonly keyName?: string
      readonly valueName: string
      readonly collection: Expression
      readonly parts: readonly TemplatePart[]
      readonly at: Span
    }

/** Where it begins. */
export function placeOf({ at }: { readonly at: Span }): Place {
  return at.source.place(at.start)
}

/** As it is written, on one line. */
export function written({ at }: { readonly at: Span }): string {
  return at.source.text
    .slice(at.start, at.end)
    .replace(/\s*\n\s*/g, ' ')
    .trim()
}

/** The blocks of a body that have this type. */
export function blocksOf(body: Body, type: string): readonly BlockSyntax[] {
  return body.items.filter((item) => item.kind === 'block').filter((block) => block.type === type)
}

/** The attribute of a body that has this name; of several the last. */
export function attributeOf(body: Body, name: string): AttributeSyntax | undefined {
  return body.items.filter((item) => item.kind === 'attribute').findLast((attribute) => attribute.name === name)
}
