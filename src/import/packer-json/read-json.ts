import { dirname } from 'node:path'
import { Budget } from '../budget.ts'
import { Findings } from '../findings.ts'
import type { SourceText } from '../source-text.ts'
import type { Template } from '../template.ts'
import type { TemplateInputs } from '../template-inputs.ts'
import type { Place } from '../value.ts'
import { BlockReader } from './blocks.ts'
import { buildsOf, listIn, type Root } from './builds.ts'
import { givenValues } from './given-values.ts'
import { JsonReader } from './json-value.ts'
import { rootFindings } from './root-findings.ts'
import { parseTolerantly } from './tolerant-json.ts'
import { type UserVariable, UserVariables } from './user-variables.ts'

/** What a legacy template in JSON says. @throws TEMPLATE_INVALID; USAGE for a variable that there is not */
export async function readJson(source: SourceText, inputs: TemplateInputs): Promise<Template> {
  const findings = new Findings()
  const json = new JsonReader(source, (name, place) => {
    const says = `'${name}' is there twice in one object; the last one counts.`
    findings.add({ kind: 'defect', id: 'OB123', place, says, advice: 'Remove the other.' })
  })
  const tree = parseTolerantly(source, (finding) => findings.add(finding))
  const root = new Map(json.members(tree, 'The template').map((member) => [member.name, member]))
  const named = declaredIn(root, json)
  const mentioned = (name: string) => isMentioned(name, source.text)
  const given = await givenValues(new Set(named.map(({ name }) => name)), mentioned, inputs, findings)
  const declared = [...named, ...undeclared(given, named, json.placeOf(tree))]
  const surroundings = { templateFolder: dirname(source.file), cwd: inputs.cwd }
  const sensitive = new Set(listIn(root, 'sensitive-variables', json).map(({ value }) => String(value)))
  const variables = new UserVariables({
    declared,
    given,
    sensitive,
    surroundings: { ...surroundings, env: (name) => inputs.env[name] ?? '' },
    budget: new Budget(source.file),
    report: (finding) => findings.add(finding),
  })
  const all = variables.all
  if (listIn(root, 'builders', json).length === 0) {
    throw json.refused(tree, 'The template has no "builders": nothing is built by it.', 'Name the template itself.')
  }
  const builds = buildsOf({ root, json, blocks: new BlockReader(json, findings), variables, surroundings, findings })
  for (const finding of rootFindings([...root.values()])) findings.add(finding)
  return { format: 'json', files: [source.file, ...inputs.varFiles], variables: all, builds, findings: findings.all }
}

/** The texts of a template ask for a variable of this name. */
function isMentioned(name: string, text: string): boolean {
  return [...text.matchAll(/\buser\s+(?:`([^`]*)`|\\"([^"\\]*)\\")/g)].some(
    ([, raw, quoted]) => (raw ?? quoted) === name,
  )
}

/** In JSON, who gives a variable a value need not declare it. */
function undeclared(
  given: ReadonlyMap<string, string>,
  named: readonly UserVariable[],
  place: Place,
): readonly UserVariable[] {
  const names = new Set(named.map(({ name }) => name))
  const others = [...given.keys()].filter((name) => !names.has(name))
  return others.map((name) => ({ name, place, text: null, textPlace: place }))
}

function declaredIn(root: Root, json: JsonReader): readonly UserVariable[] {
  const member = root.get('variables')
  if (member === undefined) return []
  return json.members(member.value, '"variables"').map(({ name, place, value }) => {
    if (value.type === 'object' || value.type === 'array') {
      throw json.refused(value, `The variable '${name}' is no text.`, 'Variables of JSON templates are text: "a,b".')
    }
    return { name, place, text: weakText(value.value), textPlace: json.placeOf(value) }
  })
}

/** As mapstructure turns values into text. */
function weakText(value: string | number | boolean | null): string | null {
  return typeof value === 'boolean' ? (value ? '1' : '0') : value === null ? null : String(value)
}
