import { OcibakeError } from '../../errors.ts'
import type { Finding } from '../finding.ts'
import type { Findings } from '../findings.ts'
import { jsonObject } from '../json-object.ts'
import { readText } from '../read-text.ts'
import type { TemplateInputs } from '../template-inputs.ts'

/**
 * The values that user variables are given by `--var-file` and, stronger, by `--var`.
 * @param declared the names in "variables" @param isMentioned whether a text of the template asks for such a variable
 * @throws USAGE for a variable that the template does not know; TEMPLATE_INVALID for a file that is no JSON object
 */
export async function givenValues(
  declared: ReadonlySet<string>,
  isMentioned: (name: string) => boolean,
  inputs: TemplateInputs,
  findings: Findings,
): Promise<ReadonlyMap<string, string>> {
  const isKnown = (name: string) => declared.has(name) || isMentioned(name)
  const given = new Map<string, string>()
  for (const file of inputs.varFiles) {
    for (const [name, value] of Object.entries(jsonObject(await readText(file, 'variables file', inputs)))) {
      if (isKnown(name)) given.set(name, String(value))
      else findings.add(unknownName(name, file))
    }
  }
  for (const [name, value] of Object.entries(inputs.vars)) {
    if (!isKnown(name)) {
      const hint =
        declared.size === 0 ? 'It has none; leave out --var.' : `It has ${[...declared].slice(0, 20).join(', ')}.`
      throw new OcibakeError('USAGE', `The template has no variable '${name}'.`, { hint })
    }
    given.set(name, value)
  }
  return given
}

function unknownName(name: string, file: string): Finding {
  const says = `'${name}' is given a value, but the template does not know it.`
  const place = { file, line: 1, column: 1 }
  return { kind: 'defect', id: 'OB147', place, says, advice: 'Remove it, or declare the variable.' }
}
