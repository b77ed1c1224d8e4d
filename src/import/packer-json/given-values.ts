import { OcibakeError } from '../../errors.ts'
import type { Findings } from '../findings.ts'
import { jsonObject } from '../json-object.ts'
import { readText } from '../read-text.ts'
import type { TemplateInputs } from '../template-inputs.ts'
import type { UserVariable } from './user-variables.ts'

/**
 * The values that user variables are given by `--var-file` and, stronger, by `--var`.
 * @throws USAGE for a variable that the template does not have; TEMPLATE_INVALID for a file that is no JSON object
 */
export async function givenValues(
  declared: readonly UserVariable[],
  inputs: TemplateInputs,
  findings: Findings,
): Promise<ReadonlyMap<string, string>> {
  const names = new Set(declared.map(({ name }) => name))
  const given = new Map<string, string>()
  for (const file of inputs.varFiles) {
    for (const [name, value] of Object.entries(jsonObject(await readText(file, 'variables file', inputs)))) {
      if (names.has(name)) given.set(name, String(value))
      else {
        const says = `'${name}' is given a value, but the template does not have it in "variables".`
        const place = { file, line: 1, column: 1 }
        findings.add({ kind: 'defect', id: 'OB147', place, says, advice: 'Remove it, or declare the variable.' })
      }
    }
  }
  for (const [name, value] of Object.entries(inputs.vars)) {
    if (!names.has(name)) {
      const hint = names.size === 0 ? 'It has none; leave out --var.' : `It has ${[...names].slice(0, 20).join(', ')}.`
      throw new OcibakeError('USAGE', `The template has no variable '${name}'.`, { hint })
    }
    given.set(name, value)
  }
  return given
}
