import type { Finding } from '../finding.ts'
import type { Build } from '../template.ts'
import type { Scoped } from './blocks.ts'
import { type AttributeSyntax, type BlockSyntax, type Body, placeOf } from './syntax.ts'

/** What to say of `hcp_packer_registry`, in a build or outside. */
export const HCP = {
  kind: 'differs',
  says: 'Builds were told to HCP Packer; ocibake tells nobody.',
  advice: 'Tell it by its own command line, if you need it to know.',
} as const

/** What became of what stands at the top of files and is none of sources, builds, variables and locals. */
export function topLevelFindings(
  files: readonly Body[],
  blocks: readonly Scoped[],
  builds: readonly Build[],
): readonly Finding[] {
  const used = new Set(builds.map(({ source }) => JSON.stringify(source.place)))
  const attributes = files.flatMap(({ items }) => items).filter((item) => item.kind === 'attribute')
  return [...attributes.map(stray), ...blocks.flatMap(({ syntax }) => ofBlock(syntax, used) ?? [])]
}

function stray(attribute: AttributeSyntax): Finding {
  return {
    kind: 'defect',
    id: 'OB144',
    place: placeOf(attribute),
    says: `'${attribute.name}' is set outside of every block.`,
    advice: 'Packer refuses it; it is left out.',
  }
}

function ofBlock(block: BlockSyntax, used: ReadonlySet<string>): Finding | undefined {
  const place = placeOf(block)
  const named = [block.type, ...block.labels.map((label) => `"${label}"`)].join(' ')
  switch (block.type) {
    case 'packer': {
      const advice = 'ocibake has no plugins; nothing is needed for it.'
      return {
        kind: 'mapped',
        id: 'OB143',
        place,
        says: 'The versions of Packer and its plugins are asked for.',
        advice,
      }
    }
    case 'data': {
      const says = `\`${named}\` is asked when Packer builds; an import asks nobody.`
      return { kind: 'differs', id: 'OB145', place, says, advice: 'Write what it would give where the spec says TODO.' }
    }
    case 'source': {
      if (used.has(JSON.stringify(place))) return undefined
      return { kind: 'mapped', id: 'OB149', place, says: `No build uses \`${named}\`.`, advice: 'It is left out.' }
    }
    case 'hcp_packer_registry':
      return { ...HCP, id: 'OB144', place }
    case 'variable':
    case 'variables':
    case 'locals':
    case 'local':
    case 'build':
      return undefined
    default: {
      const says = `There are no blocks \`${block.type}\` in templates.`
      return {
        kind: 'todo',
        id: 'OB144',
        place,
        says,
        advice: 'It is left out; look whether the image needs what it does.',
      }
    }
  }
}
