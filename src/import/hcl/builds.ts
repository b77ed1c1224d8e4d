import { Unknowable } from '../fault.ts'
import type { Finding } from '../finding.ts'
import type { Findings } from '../findings.ts'
import { goContext } from '../go-template/context.ts'
import type { GoSurroundings } from '../go-template/functions.ts'
import { renderBlock } from '../go-template/render-block.ts'
import { leftOut } from '../left-out.ts'
import { blockFor, isFor } from '../only-except.ts'
import type { Block, Build } from '../template.ts'
import { blockOf, expanded, type Scoped } from './blocks.ts'
import type { Evaluator } from './evaluate.ts'
import { sourcesOf, type UsedSource } from './sources.ts'
import { attributeOf, type BlockSyntax, type Body, placeOf } from './syntax.ts'
import { checkLabels } from './syntax-error.ts'
import { HCP } from './top-level.ts'

const KNOWN = /^(source|provisioner|post-processor|post-processors|error-cleanup-provisioner)$/

/** What a template's builds are read with. */
export interface World {
  readonly evaluator: Evaluator
  readonly findings: Findings
  readonly sources: ReadonlyMap<string, Scoped>
  /** For the Go templates that plugins allow in texts. */
  readonly surroundings: GoSurroundings
}

/** One build for each source of a `build` block. */
export function buildsOf({ syntax, scope }: Scoped, world: World): readonly Build[] {
  const { evaluator, sources, findings } = world
  const attribute = attributeOf(syntax.body, 'name')
  const given = attribute === undefined ? undefined : evaluator.plain(attribute.value, scope)
  const name = typeof given === 'string' ? given : ''
  const used = sourcesOf(syntax, sources, evaluator, scope, findings)
  const builds = used.map((source) => buildOf(syntax, name, source, world))
  for (const finding of leftOut(stepsIn(syntax.body).map(placeOf), builds)) findings.add(finding)
  return builds
}

/** Provisioners and post-processors, but for those that are made by `dynamic`. */
function stepsIn(body: Body): readonly BlockSyntax[] {
  const blocks = body.items.filter((item) => item.kind === 'block')
  return blocks.flatMap((block) => {
    if (block.type === 'post-processors') return stepsIn(block.body)
    return /^(provisioner|post-processor|error-cleanup-provisioner)$/.test(block.type) ? [block] : []
  })
}

function buildOf(syntax: BlockSyntax, name: string, source: UsedSource, world: World): Build {
  const { evaluator, findings, surroundings } = world
  const full = `${source.type}.${source.name}`
  const prefixed = name === '' ? full : `${name}.${full}`
  const scope = { ...source.scope, roots: new Map(source.scope.roots).set('build', buildRoot(name)) }
  const blocks = expanded(syntax.body, evaluator, scope)
  for (const { syntax: other } of blocks) if (!KNOWN.test(other.type)) findings.add(unknownBlock(other))
  const build = { name: source.declaredName, type: source.type }
  const context = goContext(
    { ...surroundings, build },
    'literal',
    () => false,
    (finding) => findings.add(finding),
  )
  const chosen = (list: readonly Scoped[]) =>
    list
      .map((block) => labelled(block, evaluator))
      .filter((block) => isFor(block, full))
      .map((block) => named(renderBlock(blockFor(block, source.name), context)))
  const ofType = (type: string) => chosen(blocks.filter((block) => block.syntax.type === type))
  const [errorCleanup] = ofType('error-cleanup-provisioner')
  const chains = blocks.map((block) => chosen(chainOf(block, evaluator))).filter((chain) => chain.length > 0)
  return {
    name: prefixed,
    source: source.isContainer ? renderBlock(source.block, context) : source.block,
    provisioners: ofType('provisioner'),
    ...(errorCleanup === undefined ? {} : { errorCleanup }),
    postProcessors: chains,
  }
}

function labelled({ syntax, scope }: Scoped, evaluator: Evaluator): Block {
  checkLabels(syntax, ['type'])
  return blockOf(syntax, syntax.labels[0]!, evaluator, scope)
}

/** The members of a chain: a post-processor that stands alone is one. */
function chainOf(block: Scoped, evaluator: Evaluator): readonly Scoped[] {
  if (block.syntax.type === 'post-processor') return [block]
  if (block.syntax.type !== 'post-processors') return []
  return expanded(block.syntax.body, evaluator, block.scope).filter(({ syntax }) => syntax.type === 'post-processor')
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

function unknownBlock(block: BlockSyntax): Finding {
  const found = { id: 'OB144', place: placeOf(block) } as const
  if (block.type === 'hcp_packer_registry') return { ...found, ...HCP }
  const says = `The block \`${block.type}\` in a build is not imported.`
  return { ...found, kind: 'todo', says, advice: 'Look whether the image needs what it does.' }
}
