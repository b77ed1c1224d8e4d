import { joinTexts } from '../text.ts'
import { Mixed, Reference, type Text } from '../value.ts'
import { argOf, argText } from './declare-arg.ts'
import { splitWords } from './instructions.ts'
import type { DockerInstruction } from './read-dockerfile.ts'
import type { Scope } from './scope.ts'
import type { StageState } from './stage-state.ts'

/** What ARG before the first FROM declares, which is in `scope` then too. */
export function globalArgs(
  instructions: readonly DockerInstruction[],
  scope: Scope,
  escaper: string,
  shared: Pick<StageState, 'context' | 'given'>,
): ReadonlyMap<string, Text> {
  const args = new Map<string, Text>()
  for (const instruction of instructions) {
    for (const word of splitWords(instruction.rest, escaper)) {
      const { name, value } = argOf(word, instruction)
      const text =
        value === undefined && shared.given[name] === undefined
          ? required(name, instruction, shared)
          : argText(name, value === undefined ? undefined : scope.expand(value), instruction.place, shared)
      args.set(name, text)
      scope.args.set(name, text)
    }
  }
  return args
}

/** Most stand for the name of an image, which cannot be empty. */
function required(name: string, { place }: DockerInstruction, { context }: Pick<StageState, 'context'>): Text {
  context.notes.add(
    'OB239',
    place,
    `\`ARG ${name}\` has no default: whoever builds has to give it.`,
    `Give --var ${name}=…`,
  )
  return joinTexts(new Mixed([new Reference(name, undefined)]))
}
