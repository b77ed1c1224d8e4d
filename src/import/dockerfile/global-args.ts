import { joinTexts } from '../text.ts'
import { Mixed, Reference, type Text } from '../value.ts'
import { argOf, argText } from './declare-arg.ts'
import { Unreadable } from './expression.ts'
import { splitWords } from './instructions.ts'
import { type DockerInstruction, invalid } from './read-dockerfile.ts'
import type { Scope } from './scope.ts'
import type { StageState } from './stage-state.ts'

/** What is said of an ARG that has no default, and is not empty for that. */
export const HAS_TO_BE_GIVEN = 'whoever builds has to give it.'

/** What ARG before the first FROM declares, which is in `scope` then too. */
export function globalArgs(
  instructions: readonly DockerInstruction[],
  scope: Scope,
  escaper: string,
  shared: Pick<StageState, 'context' | 'given' | 'platform'>,
): ReadonlyMap<string, Text> {
  const args = new Map<string, Text>()
  for (const instruction of instructions) {
    for (const word of splitWords(instruction.rest, escaper)) {
      const { name, value } = argOf(word, instruction)
      const { given, platform } = shared
      const isKnown = given[name] !== undefined || platform.values.has(name)
      const text =
        value === undefined && !isKnown
          ? required(name, instruction, shared)
          : argText(
              name,
              value === undefined ? undefined : expanded(value, instruction, scope),
              instruction.place,
              shared,
            )
      args.set(name, text)
      scope.args.set(name, text)
    }
  }
  return args
}

/** @throws TEMPLATE_INVALID: FROM depends on it */
function expanded(value: string, { place }: DockerInstruction, scope: Scope): string {
  try {
    return scope.expand(value)
  } catch (error) {
    if (!(error instanceof Unreadable)) throw error
    throw invalid(place, `'${value}' cannot be read: ${error.message}.`)
  }
}

/** Most stand for the name of an image, which cannot be empty. */
function required(name: string, { place }: DockerInstruction, { context }: Pick<StageState, 'context'>): Text {
  context.notes.add('OB239', place, `\`ARG ${name}\` has no default: ${HAS_TO_BE_GIVEN}`, `Give --var ${name}=…`)
  return joinTexts(new Mixed([new Reference(name, undefined)]))
}
