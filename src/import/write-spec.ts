import { type Draft, type DraftStep, type DraftValue, FileText } from './draft.ts'
import { fieldsOf } from './spec-of-draft.ts'
import { type UsedVariable, usedVariables } from './used-variables.ts'
import { Mixed } from './value.ts'
import { type Identifiers, writeText } from './write-text.ts'
import { type Entry, LINE_WIDTH, labelOf, Written, writeComment, writeEntries, writeValue } from './write-value.ts'

/**
 * The text of a `.spec.ts` file that means what the draft means, as a person would write it: an object, or a function if
 * the draft has variables. `heading` are lines of a comment above it.
 */
export function writeSpec(draft: Draft, heading: readonly string[] = []): string {
  const used = usedVariables(draft)
  const names: Identifiers = new Map(used.map(({ key, identifier }) => [key, identifier]))
  const files = fileTextsIn(Object.values(fieldsOf(draft)))
  const isFunction = used.length > 0
  const indent = isFunction ? '  ' : ''
  const body = writeEntries(entriesOf(draft, indent, names), '{}', indent, names)
  return [
    ...(files.length === 0 ? [] : ["import { readFileSync } from 'node:fs'", "import { resolve } from 'node:path'"]),
    `import type { Spec${isFunction ? ', SpecContext' : ''} } from 'ocibake'`,
    '',
    ...(files.length === 0 ? [] : [...scriptFunction(files.some(({ crlf }) => crlf)), '']),
    ...writeComment(heading, ''),
    ...(isFunction ? functionOf(used, body, names) : [`export default ${body} satisfies Spec`]),
    '',
  ].join('\n')
}

function functionOf(used: readonly UsedVariable[], body: string, names: Identifiers): string[] {
  const context = [
    'vars',
    ...(used.some(({ env }) => env !== undefined) ? ['env'] : []),
    ...(used.some(({ code }) => code !== undefined) ? ['platform'] : []),
  ]
  return [
    `export default ({ ${context.join(', ')} }: SpecContext): Spec => {`,
    ...used.flatMap((variable) => declaration(variable, names)),
    '',
    `  return ${body}`,
    '}',
  ]
}

/** A constant with the variable's value, or an error that says which variable to give. */
function declaration({ name, identifier, env, fallback, code, comment }: UsedVariable, names: Identifiers): string[] {
  const options = [access('vars', name), ...(env === undefined ? [] : [access('env', env)])]
  const last = code ?? (fallback === undefined ? undefined : writeText(fallback, names))
  const words = last === undefined ? options : [...options, last]
  const line = `  const ${identifier} = ${words.join(' ?? ')}`
  const value = line.length <= LINE_WIDTH ? [line] : [`  const ${identifier} =`, `    ${words.join(' ?? ')}`]
  const also = env === undefined ? '' : `, or ${env} in the environment`
  const refusal = `  if (${identifier} === undefined) throw new Error(${writeText(`Give --var ${name}=…${also}`, new Map())})`
  return [...writeComment(comment, '  '), ...value, ...(last === undefined ? [refusal] : [])]
}

function access(object: string, name: string): string {
  return /^[A-Za-z_$][A-Za-z0-9_$]*$/.test(name) ? `${object}.${name}` : `${object}[${writeText(name, new Map())}]`
}

function scriptFunction(crlf: boolean): string[] {
  const read = "readFileSync(resolve(import.meta.dirname, path), 'utf8')"
  return [`const script = (path: string) => ${read}${crlf ? ".replaceAll('\\r\\n', '\\n')" : ''}`]
}

function entriesOf(draft: Draft, indent: string, names: Identifiers): Entry[] {
  const fields = fieldsOf(draft)
  const steps = stepsOf(draft.steps, `${indent}  `, names)
  const withSteps = steps === undefined ? fields : { ...fields, steps: true }
  const order = ['from', 'platform', ...Object.keys(draft.others), 'steps', 'config', 'tags']
  const comments: Readonly<Record<string, readonly string[]>> = { ...draft.comments }
  const present = order.filter((field) => Object.hasOwn(withSteps, field))
  const shown = present.map((field) => ({
    comment: comments[field] ?? [],
    label: labelOf(field),
    value: field === 'steps' ? steps : fields[field],
  }))
  const others = Object.keys(comments).filter((field) => !present.includes(field))
  return [...shown, ...others.map((field) => ({ comment: comments[field]!, label: '', value: undefined }))]
}

function stepsOf(steps: readonly DraftStep[], indent: string, names: Identifiers): Written | undefined {
  if (steps.length === 0) return undefined
  const plain = steps.flatMap(({ step, comment }) => (step === undefined || comment.length > 0 ? [] : [step]))
  if (plain.length === steps.length) {
    return new Written(writeValue(plain, indent, indent.length + 'steps: '.length, names))
  }
  const entries = steps.map(({ step, comment }): Entry => ({ comment, label: '', value: step }))
  return new Written(writeEntries(entries, '[]', indent, names))
}

function fileTextsIn(values: readonly DraftValue[]): FileText[] {
  return values.flatMap((value) => {
    if (typeof value !== 'object' || value instanceof Mixed) return []
    return value instanceof FileText ? [value] : fileTextsIn(Object.values(value))
  })
}
