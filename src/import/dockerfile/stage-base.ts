import type { Text } from '../value.ts'
import { Unreadable } from './expression.ts'
import { readFlags } from './flags.ts'
import { type DockerInstruction, invalid } from './read-dockerfile.ts'
import type { Scope } from './scope.ts'
import type { StageState } from './stage-state.ts'
import { type Stage, stageNamed } from './stages.ts'

/** What FROM says. */
export interface StageBase {
  /** An image, or `scratch`; for a stage below what it is called. */
  readonly image: Text
  /** The stage that this one stands on. */
  readonly below: Stage | undefined
  readonly isBare: boolean
  readonly platform: Text | undefined
}

/** @param global what FROM sees @throws TEMPLATE_INVALID for a FROM that cannot be read */
export function stageBase(
  { base, from, index }: Stage,
  stages: readonly Stage[],
  global: Scope,
  context: StageState['context'],
): StageBase {
  const word = expanded(base, from, global)
  const stage = stageNamed(stages, word, index)
  const platform = platformOf(from, global, context)
  // FROM knows stages by their names alone.
  const below = stage?.name === word.toLowerCase() ? stage : undefined
  const isBare = below === undefined && word === 'scratch'
  return { image: below === undefined ? context.hidden.show(word) : word, below, isBare, platform }
}

function platformOf(
  from: DockerInstruction,
  global: Scope,
  { notes, hidden }: StageState['context'],
): Text | undefined {
  const flag = readFlags(from).flags.find(({ name }) => name === 'platform')
  if (flag?.value === undefined) return undefined
  const place = from.placeAt(flag.at)
  if (/^\$\{?TARGETPLATFORM\}?$/.test(flag.value)) {
    notes.add('OB207', place, '`--platform=$TARGETPLATFORM`', 'Nothing: it is the platform of every build.')
    return undefined
  }
  if (/BUILD(PLATFORM|ARCH)/.test(flag.value)) {
    const says = '`--platform=$BUILDPLATFORM` is this machine, whatever the last image is for.'
    notes.add('OB236', place, says, 'Build this spec without --platform.')
    return undefined
  }
  notes.add('OB204', place, '`--platform`', '`platform`')
  return hidden.show(expanded(flag.value, from, global))
}

/** @throws TEMPLATE_INVALID for what comes to nothing */
function expanded(text: string, from: DockerInstruction, global: Scope): string {
  try {
    const word = global.expand(text)
    if (word !== '') return word
  } catch (error) {
    if (!(error instanceof Unreadable)) throw error
    throw invalid(from.place, `'${text}' cannot be read: ${error.message}.`)
  }
  throw invalid(from.place, `'${text}' comes to nothing: FROM knows variables of ARG before the first FROM alone.`)
}
