import type { Findings } from '../findings.ts'
import { blockFor, isFor } from '../only-except.ts'
import type { Block, Build } from '../template.ts'
import { blockOf, expanded, type Scoped } from './blocks.ts'
import type { Evaluator } from './evaluate.ts'
import { Unknowable } from './fault.ts'
import type { Scope } from './scope.ts'
import { sourcesOf, type UsedSource } from './sources.ts'
import { attributeOf, type BlockSyntax, placeOf } from './syntax.ts'

const KNOWN = /^(source|provisioner|post-processor|post-processors|error-cleanup-provisioner)$/

/** One build for each source of a `build` block. */
export function buildsOf(
  syntax: BlockSyntax,
  declared: ReadonlyMap<string, BlockSyntax>,
  evaluator: Evaluator,
  scope: Scope,
  findings: Findings,
): readonly Build[] {
  const nameAttribute = attributeOf(syntax.body, 'name')
  const given = nameAttribute === undefined ? undefined : evaluator.plain(nameAttribute.value, scope)
  const name = typeof given === 'string' ? given : ''
  const sources = sourcesOf(syntax, declared, evaluator, scope, (finding) => findings.add(finding))
  return sources.map((source) => buildOf(syntax, name, source, evaluator, findings))
}

function buildOf(
  syntax: BlockSyntax,
  name: string,
  source: UsedSource,
  evaluator: Evaluator,
  findings: Findings,
): Build {
  const full = `${source.type}.${source.name}`
  const prefixed = name === '' ? full : `${name}.${full}`
  const names = [full, prefixed]
  const scope = { ...source.scope, roots: new Map(source.scope.roots).set('build', buildRoot(name)) }
  const blocks = expanded(syntax.body, evaluator, scope)
  const own = (block: Scoped) => labelled(block, evaluator)
  const ofType = (type: string) => blocks.filter((block) => block.syntax.type === type)
  const chosen = (list: readonly Block[], known: readonly string[]) =>
    list.filter((block) => isFor(block, known)).map((block) => blockFor(block, known))
  for (const { syntax: other } of blocks) if (!KNOWN.test(other.type)) findings.add(unknownBlock(other))
  // override knows a source by its own name.
  const cleanup = chosen(ofType('error-cleanup-provisioner').map(own), [...names, source.name])[0]
  return {
    name: prefixed,
    source: source.block,
    provisioners: chosen(ofType('provisioner').map(own), [...names, source.name]),
    ...(cleanup === undefined ? {} : { errorCleanup: cleanup }),
    postProcessors: blocks
      .flatMap((block) => chainOf(block, evaluator))
      .map((chain) => chosen(chain, names).map(named))
      .filter((chain) => chain.length > 0),
  }
}

function labelled({ syntax, scope }: Scoped, evaluator: Evaluator): Block {
  return blockOf(syntax, syntax.labels[0] ?? '', evaluator, scope)
}

function chainOf(block: Scoped, evaluator: Evaluator): readonly (readonly Block[])[] {
  if (block.syntax.type === 'post-processor') return [[labelled(block, evaluator)]]
  if (block.syntax.type !== 'post-processors') return []
  const members = expanded(block.syntax.body, evaluator, block.scope)
  return [members.filter(({ syntax }) => syntax.type === 'post-processor').map((member) => labelled(member, evaluator))]
}

/** The name that a post-processor has for `-only` and `-except` is none of its options. */
function named(block: Block): Block {
  const name = block.attributes.get('name')?.value
  if (typeof name !== 'string') return block
  const attributes = new Map(block.attributes)
  attributes.delete('name')
  return { ...block, name, attributes }
}

/** What is generated when Packer builds, but for the name. */
function buildRoot(name: string) {
  return (key: string) => {
    if (key === 'name') return name
    throw new Unknowable(`build.${key} is made by a build with Packer`)
  }
}

function unknownBlock(block: BlockSyntax) {
  return {
    kind: 'todo',
    id: 'OB144',
    place: placeOf(block),
    says: `The block \`${block.type}\` in a build is not imported.`,
    advice: 'Look whether the image needs what it does.',
  } as const
}
