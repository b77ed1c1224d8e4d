import type { Finding } from '../finding.ts'
import type { Findings } from '../findings.ts'
import type { Declaration } from './declared.ts'
import type { Evaluator } from './evaluate.ts'
import type { Scope } from './scope.ts'
import { attributeOf, type BlockSyntax, placeOf } from './syntax.ts'

/** What became of the validations of variables: they are tried once, now. */
export function validationFindings(
  declared: readonly Declaration[],
  evaluator: Evaluator,
  scope: Scope,
  findings: Findings,
): readonly Finding[] {
  return declared.flatMap(({ name, validations }) =>
    validations.map((block) => {
      // That the variables in it are taken as they are now is what it is for.
      const { result } = findings.captured(() => valueIn(block, 'condition', evaluator, scope))
      if (result !== false) return notKept(name, block)
      const message = valueIn(block, 'error_message', evaluator, scope)
      return failed(name, block, typeof message === 'string' ? message : '')
    }),
  )
}

function valueIn(block: BlockSyntax, name: string, evaluator: Evaluator, scope: Scope) {
  const attribute = attributeOf(block.body, name)
  return attribute === undefined ? undefined : evaluator.plain(attribute.value, scope)
}

function notKept(name: string, block: BlockSyntax): Finding {
  return {
    kind: 'differs',
    id: 'OB146',
    place: placeOf(block),
    says: `The spec does not check the variable '${name}' as the template does.`,
    advice: 'Have the spec throw an error when the value is wrong.',
  }
}

function failed(name: string, block: BlockSyntax, message: string): Finding {
  return {
    kind: 'defect',
    id: 'OB146',
    place: placeOf(block),
    says: `The variable '${name}' is not what the template wants it to be${message === '' ? '' : `: ${message}`}.`,
    advice: `Import again with another --var ${name}=….`,
  }
}
