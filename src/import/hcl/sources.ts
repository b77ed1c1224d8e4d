import type { Findings } from '../findings.ts'
import type { Block } from '../template.ts'
import { isList, type Value } from '../value.ts'
import { contentsOf, expanded, type Scoped } from './blocks.ts'
import type { Evaluator } from './evaluate.ts'
import type { Scope } from './scope.ts'
import { attributeOf, type BlockSyntax, type Body, type Expression, placeOf, written } from './syntax.ts'
import { checkLabels } from './syntax-error.ts'

/** A source as a build uses it. */
export interface UsedSource {
  readonly type: string
  /** What the build calls it, which may be another name than it has. */
  readonly name: string
  readonly declaredName: string
  readonly block: Block
  /** Its options are those of a container: of other machines they mean nothing here. */
  readonly isContainer: boolean
  /** `source` in expressions: its name and type. */
  readonly scope: Scope
}

/** The sources among blocks, by `TYPE.NAME`; of two with one name the first, and a finding. */
export function declaredSources(blocks: readonly Scoped[], findings: Findings): ReadonlyMap<string, Scoped> {
  const declared = new Map<string, Scoped>()
  for (const block of blocks.filter(({ syntax }) => syntax.type === 'source')) {
    checkLabels(block.syntax, ['type', 'name'])
    const name = block.syntax.labels.join('.')
    if (declared.has(name)) {
      const says = `The source '${name}' is declared twice; the first one counts.`
      findings.add({
        kind: 'defect',
        id: 'OB149',
        place: placeOf(block.syntax),
        says,
        advice: 'Packer refuses it: remove one.',
      })
    } else declared.set(name, block)
  }
  return declared
}

interface Use {
  /** `TYPE.NAME` */
  readonly reference: string
  readonly at: Pick<Expression, 'at'>
  /** What a `source` block in a build adds. */
  readonly more?: Scoped
}

/** The sources of a build in their order, what the build adds to them merged in; those that nobody declares are reported. */
export function sourcesOf(
  build: BlockSyntax,
  declared: ReadonlyMap<string, Scoped>,
  evaluator: Evaluator,
  scope: Scope,
  findings: Findings,
): readonly UsedSource[] {
  return usesOf(build.body, evaluator, scope).flatMap(({ reference, at, more }) => {
    const source = declared.get(reference)
    if (source !== undefined) {
      const { result, found } = findings.captured(() => used(source, more, evaluator))
      // Nobody has to write an AMI's name into a spec.
      if (result.isContainer) for (const finding of found) findings.add(finding)
      return [result]
    }
    const says = `No file that was read declares the source '${reference}'.`
    const advice = 'Import the folder if another file declares it, or repair the name.'
    findings.add({ kind: 'todo', id: 'OB149', place: placeOf(at), says, advice })
    return []
  })
}

function usesOf(body: Body, evaluator: Evaluator, scope: Scope): readonly Use[] {
  const attribute = attributeOf(body, 'sources')?.value
  const listed = attribute === undefined ? [] : references(attribute, evaluator, scope)
  const own = expanded(body, evaluator, scope)
    .filter(({ syntax }) => syntax.type === 'source')
    .map((more) => ({ reference: bare(more.syntax.labels.join('.')), at: more.syntax, more }))
  return [...listed, ...own]
}

function references(expression: Expression, evaluator: Evaluator, scope: Scope): readonly Use[] {
  const elements = expression.kind === 'tuple' ? expression.elements : undefined
  if (elements !== undefined) return elements.flatMap((element) => references(element, evaluator, scope))
  // Written without quotes by some.
  const text = written(expression)
  if (/^sources?\.[\w-]+\.[\w-]+$/.test(text)) return [{ reference: bare(text), at: expression }]
  const value = evaluator.plain(expression, scope)
  const names: readonly Value[] = value !== undefined && isList(value) ? value : value === undefined ? [] : [value]
  return names.map((name) => ({ reference: bare(String(name)), at: expression }))
}

const bare = (reference: string) => reference.replace(/^sources?\./, '')

function used({ syntax, scope }: Scoped, more: Scoped | undefined, evaluator: Evaluator): UsedSource {
  const [type = '', declaredName = ''] = syntax.labels
  const renamed = attributeOf(more?.syntax.body ?? { items: [] }, 'name')
  const given = renamed === undefined ? undefined : evaluator.plain(renamed.value, more!.scope)
  const name = typeof given === 'string' ? given : declaredName
  const inner = withSource(scope, type, name)
  const contents = contentsOf(syntax.body, evaluator, inner)
  const added =
    more === undefined ? undefined : contentsOf(more.syntax.body, evaluator, { ...inner, names: more.scope.names })
  const attributes = new Map([...contents.attributes, ...(added?.attributes ?? [])])
  if (renamed !== undefined) attributes.delete('name')
  const blocks = [...contents.blocks, ...(added?.blocks ?? [])]
  const block = { type, name, place: placeOf(syntax), attributes, blocks }
  return { type, name, declaredName, block, isContainer: type === 'docker', scope: inner }
}

function withSource(scope: Scope, type: string, name: string): Scope {
  const root = (key: string) => (key === 'type' ? type : name)
  return { ...scope, roots: new Map(scope.roots).set('source', root) }
}
