import { Fault } from '../fault.ts'
import type { Finding } from '../finding.ts'
import type { Value } from '../value.ts'
import type { Evaluator } from './evaluate.ts'
import { NO_NAMES } from './scope.ts'
import {
  type AttributeSyntax,
  attributeOf,
  type BlockSyntax,
  type Body,
  blocksOf,
  type Expression,
  placeOf,
  written,
} from './syntax.ts'
import { checkLabels } from './syntax-error.ts'
import { type Type, typeOf } from './type.ts'

/** A variable as it is declared, before anything gives it a value. */
export interface Declaration {
  readonly name: string
  readonly at: BlockSyntax | AttributeSyntax
  readonly type: Type | undefined
  readonly description?: string
  readonly sensitive: boolean
  readonly default?: Expression
  readonly validations: readonly BlockSyntax[]
}

/** The variables that files declare, in their order; of two with one name the first, and a finding. */
export function declarations(
  files: readonly Body[],
  evaluator: Evaluator,
  report: (finding: Finding) => void,
): Declaration[] {
  const declared = new Map<string, Declaration>()
  for (const one of files.flatMap((body) => declaredIn(body, evaluator, report))) {
    const first = declared.get(one.name)
    if (first === undefined) declared.set(one.name, one)
    else report(twice(one, first))
  }
  return [...declared.values()]
}

function twice({ name, at }: Declaration, first: Declaration): Finding {
  const { file, line } = placeOf(first.at)
  return {
    kind: 'defect',
    id: 'OB114',
    place: placeOf(at),
    says: `The variable '${name}' is declared twice; the first is at ${file}:${line}.`,
    advice: 'Packer refuses the folder because of it. The first one counts here; remove the other.',
  }
}

function declaredIn(body: Body, evaluator: Evaluator, report: (finding: Finding) => void): Declaration[] {
  return body.items.flatMap((item): readonly Declaration[] => {
    if (item.kind !== 'block') return []
    if (item.type === 'variable') return [declaration(item, evaluator, report)]
    if (item.type !== 'variables') return []
    const attributes = item.body.items.filter((inner) => inner.kind === 'attribute')
    return attributes.map((at) => ({
      name: at.name,
      at,
      type: undefined,
      sensitive: false,
      default: at.value,
      validations: [],
    }))
  })
}

function declaration(block: BlockSyntax, evaluator: Evaluator, report: (finding: Finding) => void): Declaration {
  checkLabels(block, ['name'])
  const { body } = block
  const plain = (name: string): Value | undefined => {
    const attribute = attributeOf(body, name)
    return attribute === undefined ? undefined : evaluator.value(attribute.value, NO_NAMES)
  }
  const description = plain('description')
  const default_ = attributeOf(body, 'default')
  const type = attributeOf(body, 'type')
  return {
    name: block.labels[0]!,
    at: block,
    type: type === undefined ? undefined : typeNamed(type, report),
    ...(typeof description === 'string' ? { description } : {}),
    sensitive: plain('sensitive') === true,
    ...(default_ === undefined ? {} : { default: default_.value }),
    validations: blocksOf(body, 'validation'),
  }
}

function typeNamed({ value }: AttributeSyntax, report: (finding: Finding) => void): Type | undefined {
  try {
    return typeOf(value)
  } catch (error) {
    if (!(error instanceof Fault)) throw error
    const says = `\`${written(value)}\` names no type.`
    report({
      kind: 'defect',
      id: 'OB141',
      place: placeOf(value),
      says,
      advice: 'Write string, number, bool, list(string) …',
    })
    return undefined
  }
}
