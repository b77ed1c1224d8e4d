import type { Findings } from '../findings.ts'
import type { Block } from '../template.ts'
import { isList, type Value } from '../value.ts'
import { contentsOf, expanded } from './blocks.ts'
import type { Evaluator } from './evaluate.ts'
import type { Scope } from './scope.ts'
import { attributeOf, type BlockSyntax, type Body, blocksOf, type Expression, placeOf, written } from './syntax.ts'

/** A source as a build uses it. */
export interface UsedSource {
  readonly type: string
  readonly name: string
  readonly block: Block
  /** Its options are those of a container: of other machines they mean nothing here. */
  readonly isContainer: boolean
  /** `source` in expressions: its name and type. */
  readonly scope: Scope
}

/** The sources that files declare, by `TYPE.NAME`. */
export function declaredSources(files: readonly Body[]): ReadonlyMap<string, BlockSyntax> {
  const blocks = files.flatMap((body) => blocksOf(body, 'source'))
  return new Map(blocks.map((block) => [`${block.labels[0] ?? ''}.${block.labels[1] ?? ''}`, block]))
}

interface Use {
  /** `TYPE.NAME` */
  readonly reference: string
  readonly at: Pick<Expression, 'at'>
  /** What a `source` block in a build adds. */
  readonly more?: { readonly syntax: BlockSyntax; readonly scope: Scope }
}

/** The sources of a build in their order, what the build adds to them merged in; those that nobody declares are reported. */
export function sourcesOf(
  build: BlockSyntax,
  declared: ReadonlyMap<string, BlockSyntax>,
  evaluator: Evaluator,
  scope: Scope,
  findings: Findings,
): readonly UsedSource[] {
  return usesOf(build.body, evaluator, scope).flatMap(({ reference, at, more }) => {
    const syntax = declared.get(reference)
    if (syntax !== undefined) {
      const { result, found } = findings.captured(() => used(syntax, more, evaluator, scope))
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

function used(syntax: BlockSyntax, more: Use['more'], evaluator: Evaluator, scope: Scope): UsedSource {
  const [type = '', ownName = ''] = syntax.labels
  const renamed = attributeOf(more?.syntax.body ?? { items: [] }, 'name')
  const given = renamed === undefined ? undefined : evaluator.plain(renamed.value, more!.scope)
  const name = typeof given === 'string' ? given : ownName
  const inner = withSource(scope, type, name)
  const contents = contentsOf(syntax.body, evaluator, inner)
  const added =
    more === undefined ? undefined : contentsOf(more.syntax.body, evaluator, { ...inner, names: more.scope.names })
  const attributes = new Map([...contents.attributes, ...(added?.attributes ?? [])])
  if (renamed !== undefined) attributes.delete('name')
  const blocks = [...contents.blocks, ...(added?.blocks ?? [])]
  const block = { type, name, place: placeOf(syntax), attributes, blocks }
  return { type, name, block, isContainer: type === 'docker', scope: inner }
}

function withSource(scope: Scope, type: string, name: string): Scope {
  const root = (key: string) => (key === 'type' ? type : name)
  return { ...scope, roots: new Map(scope.roots).set('source', root) }
}
