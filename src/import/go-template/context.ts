import { Fault } from '../fault.ts'
import type { Finding } from '../finding.ts'
import { isSecretName } from '../secret-name.ts'
import type { Place } from '../value.ts'
import { type GoSurroundings, goFunctions } from './functions.ts'
import type { GoContext } from './render.ts'

/** What the texts at a place are rendered with; what comes of them is reported there. */
export function goContext(
  surroundings: GoSurroundings,
  others: GoContext['others'],
  isSensitive: (variable: string) => boolean,
  report: (finding: Finding) => void,
): (place: Place) => GoContext {
  const functions = goFunctions(surroundings)
  return (place) => ({
    functions,
    others,
    fixed: (action, result, used) => {
      const secret = [...used.keys()].some((name) => isSensitive(name) || isSecretName(name))
      const given = [...used].map(([name, value]) => `${name} = ${secret ? '…' : JSON.stringify(value)}`).join(', ')
      report({
        kind: 'differs',
        id: 'OB140',
        place,
        says: `\`${action}\` is fixed to ${secret ? 'what it is now' : JSON.stringify(result)} (evaluated with ${given}).`,
        advice: 'Import again with another --var, or write the expression in the spec, which is a program.',
      })
    },
    unknown: ({ unknown, why }, error) =>
      report({
        kind: 'todo',
        id: 'OB141',
        place,
        says: `\`${unknown}\` has no value here: ${why}.`,
        advice:
          error instanceof Fault
            ? 'Packer refuses this as well: repair it, or write the value in the spec.'
            : 'Write the value in the spec, where it says TODO.',
      }),
  })
}
