import type { Node } from 'jsonc-parser'
import type { Findings } from '../findings.ts'
import { goContext } from '../go-template/context.ts'
import type { GoSurroundings } from '../go-template/functions.ts'
import { renderText } from '../go-template/render.ts'
import { renderBlock } from '../go-template/render-block.ts'
import { leftOut } from '../left-out.ts'
import { blockFor, isFor } from '../only-except.ts'
import type { Block, Build } from '../template.ts'
import { knownText } from '../text.ts'
import type { BlockReader } from './blocks.ts'
import type { JsonReader, Member } from './json-value.ts'
import type { UserVariables } from './user-variables.ts'

/** The keys of a template. */
export type Root = ReadonlyMap<string, Member>

/** The elements of a list that a template has under a key; none when it has not. @throws TEMPLATE_INVALID when it is no list */
export function listIn(root: Root, name: string, json: JsonReader): readonly Node[] {
  const member = root.get(name)
  return member === undefined ? [] : json.elements(member.value, `"${name}"`)
}

/** What builds are read with. */
export interface World {
  readonly root: Root
  readonly json: JsonReader
  readonly blocks: BlockReader
  readonly variables: UserVariables
  readonly surroundings: GoSurroundings
  readonly findings: Findings
}

/** One build for each builder. @throws TEMPLATE_INVALID */
export function buildsOf(world: World): readonly Build[] {
  const { root, json, blocks } = world
  const read = (name: string) => listIn(root, name, json).map((node) => blocks.block(node, 'This provisioner'))
  const cleanup = root.get('error-cleanup-provisioner')
  const cleanups = cleanup === undefined ? [] : [blocks.block(cleanup.value, 'This provisioner')]
  const provisioners = read('provisioners')
  const chains = listIn(root, 'post-processors', json).map((node) =>
    (node.type === 'array' ? (node.children ?? []) : [node]).map((one) => blocks.postProcessor(one)),
  )
  const builds = listIn(root, 'builders', json).map((node) => {
    const literal = blocks.block(node, 'This builder')
    const source = { ...literal, name: nameOf(literal, world) }
    return buildOf(source, { provisioners, cleanups, chains }, world)
  })
  const places = [...provisioners, ...cleanups, ...chains.flat()].map(({ place }) => place)
  for (const finding of leftOut(places, builds)) world.findings.add(finding)
  return builds
}

/** A builder's name may have variables in it; the same build is named by `only`. */
function nameOf({ name, type, place }: Block, { variables, surroundings, findings }: World): string {
  if (name === undefined) return type
  const known = { ...surroundings, user: (variable: string) => variables.reference(variable) }
  const context = goContext(
    known,
    'error',
    () => false,
    (finding) => findings.add(finding),
  )
  return knownText(renderText(name, context(place))) ?? name
}

interface Parts {
  readonly provisioners: readonly Block[]
  readonly cleanups: readonly Block[]
  readonly chains: readonly (readonly Block[])[]
}

function buildOf(source: Block & { readonly name: string }, parts: Parts, world: World): Build {
  const { variables, surroundings, findings } = world
  const { name, type } = source
  const known = { ...surroundings, build: { name, type }, user: (variable: string) => variables.reference(variable) }
  const isSensitive = (variable: string) => variables.isSensitive(variable)
  const context = goContext(known, 'error', isSensitive, (finding) => findings.add(finding))
  const chosen = (blocks: readonly Block[]) =>
    blocks.filter((block) => isFor(block, name)).map((block) => renderBlock(blockFor(block, name), context))
  const { result, found } = findings.captured(() => renderBlock(source, context))
  // Nobody has to write an AMI's name into a spec.
  if (type === 'docker') for (const finding of found) findings.add(finding)
  const [errorCleanup] = chosen(parts.cleanups)
  return {
    name,
    source: result,
    provisioners: chosen(parts.provisioners),
    ...(errorCleanup === undefined ? {} : { errorCleanup }),
    postProcessors: parts.chains.map(chosen).filter((chain) => chain.length > 0),
  }
}
