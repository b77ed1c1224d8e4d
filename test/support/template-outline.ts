import type { Attribute, Block, Build, Template, Variable } from '../../src/import/template.ts'
import { isFields, isList, isMixed, isReference, isUnknown, type Part, type Value } from '../../src/import/value.ts'

/**
 * A template in lines for people: places in front, `«name=value»` for variables, `‹expression›` for what is unknown. Two
 * templates that say something different have different outlines.
 */
export function outline({ format, files, variables, builds, findings }: Template): string {
  const found = findings.map(
    ({ kind, id, place, says }) => `  ${id} ${kind} ${place.file}:${place.line}:${place.column} ${says}`,
  )
  const lines = [
    `${format}: ${files.join(', ')}`,
    ...variables.map(variableLine),
    ...builds.flatMap(buildLines),
    'findings',
    ...found,
  ]
  return `${lines.join('\n')}\n`
}

function variableLine({ name, place, description, sensitive, default: default_, env, value }: Variable): string {
  const more = [
    default_ === undefined ? 'no default' : `default ${shown(default_)}`,
    env === undefined ? '' : `env ${env}`,
    value === undefined ? 'no value' : `value ${shown(value)}`,
    sensitive ? 'sensitive' : '',
    description ?? '',
  ]
  return `variable ${name} ${at(place)}: ${more.filter((text) => text !== '').join(', ')}`
}

function buildLines({ name, source, provisioners, errorCleanup, postProcessors }: Build): string[] {
  return [
    `build ${name}`,
    ...blockLines(source, 'source'),
    ...provisioners.flatMap((block) => blockLines(block, 'provisioner')),
    ...(errorCleanup === undefined ? [] : blockLines(errorCleanup, 'on error')),
    ...postProcessors.flatMap((chain) =>
      chain.flatMap((block, index) => blockLines(block, index === 0 ? 'post' : 'then')),
    ),
  ]
}

function blockLines({ type, name, place, attributes, blocks }: Block, what: string): string[] {
  const inner = [...[...attributes].flatMap(attributeLines), ...blocks.flatMap((block) => blockLines(block, 'block'))]
  return [
    `  ${what} ${type}${name === undefined ? '' : ` "${name}"`} ${at(place)}`,
    ...inner.map((line) => `  ${line}`),
  ]
}

function attributeLines([name, { value, place, elements }]: readonly [string, Attribute]): string[] {
  if (!isList(value) || elements === undefined) return [`  ${name} ${at(place)} = ${shown(value)}`]
  return [`  ${name} ${at(place)}`, ...value.map((element, index) => `    ${at(elements[index]!)} ${shown(element)}`)]
}

const at = ({ line, column }: { readonly line: number; readonly column: number }) => `${line}:${column}`

function shown(value: Value): string {
  if (isMixed(value)) return `"${value.parts.map(shownPart).join('')}"`
  if (isUnknown(value)) return `‹${value.unknown}›`
  if (isList(value)) return `[${value.map(shown).join(', ')}]`
  if (!isFields(value)) return JSON.stringify(value)
  return `{ ${Object.entries(value)
    .map(([name, inner]) => `${name} = ${shown(inner)}`)
    .join(', ')} }`
}

function shownPart(part: Part): string {
  if (typeof part === 'string') return JSON.stringify(part).slice(1, -1)
  return isReference(part)
    ? `«${part.variable}${part.value === undefined ? '' : `=${part.value}`}»`
    : `‹${part.unknown}›`
}
