import { isSecretName } from '../secret-name.ts'
import { joinTexts } from '../text.ts'
import { Mixed, type Place, Reference, type Text } from '../value.ts'
import { splitWords } from './instructions.ts'
import { PLATFORM_CODE } from './platform-args.ts'
import { type DockerInstruction, invalid } from './read-dockerfile.ts'
import type { StageState } from './stage-state.ts'

const PREDEFINED = /^(https?|ftp|no|all)_proxy$/i

/** ARG: a variable of the spec. @param args what ARG before the first FROM says */
export function declareArg(instruction: DockerInstruction, args: ReadonlyMap<string, Text>, state: StageState): void {
  const { scope, context, escaper } = state
  for (const word of splitWords(instruction.rest, escaper)) {
    const { name, value } = argOf(word, instruction)
    if (PREDEFINED.test(name)) {
      context.notes.add('OB207', instruction.place, `\`ARG ${name}\``, 'Scripts have it from whoever builds.')
      continue
    }
    const above = value === undefined ? (args.get(name) ?? scope.args.get(name)) : undefined
    if (above !== undefined)
      context.notes.add('OB205', instruction.place, `\`ARG ${name}\``, 'The variable that is declared above.')
    const fallback = value === undefined ? undefined : scope.expand(value)
    scope.args.set(name, above ?? argText(name, fallback, instruction.place, state))
  }
}

/** `NAME` or `NAME=default`. @throws TEMPLATE_INVALID */
export function argOf(word: string, { place }: DockerInstruction): { name: string; value: string | undefined } {
  const equals = word.indexOf('=')
  const name = equals < 0 ? word : word.slice(0, equals)
  if (!/^[A-Za-z_][\w.-]*$/.test(name)) throw invalid(place, `'${name}' is no name of an ARG.`)
  return { name, value: equals < 0 ? undefined : word.slice(equals + 1) }
}

/** What an ARG has become. */
export function variableAdvice(name: string): string {
  return `A variable of the spec: --var ${name}=… stands for --build-arg.`
}

/** What stands for the variable: itself with its default, unless that is made of others. */
export function argText(
  name: string,
  fallback: string | undefined,
  place: Place,
  state: Pick<StageState, 'context' | 'given' | 'platform'>,
): Text {
  const { notes, hidden } = state.context
  const platform = state.platform.values.get(name)
  const shown = fallback === undefined ? undefined : hidden.show(fallback)
  if (shown !== undefined && typeof shown !== 'string' && state.given[name] === undefined) {
    notes.add('OB205', place, `\`ARG ${name}\``, 'Its default, which is made of other variables.')
    return shown
  }
  const isAutomatic = fallback === undefined && platform !== undefined && state.given[name] === undefined
  if (isAutomatic && PLATFORM_CODE.has(name)) {
    state.platform.declared.add(name)
    notes.add('OB205', place, `\`ARG ${name}\``, `The platform that is built for; --var ${name}=… for another.`)
  } else if (isAutomatic && state.platform.isAssumed) {
    notes.add(
      'OB238',
      place,
      `\`${name}\` is of the machine that builds; here it is ${platform === '' ? 'empty' : platform}.`,
      `Give --var ${name}=… for another.`,
    )
  } else if (
    fallback === undefined &&
    platform === undefined &&
    !isSecretName(name) &&
    state.given[name] === undefined
  ) {
    const says = `\`ARG ${name}\` has no default: it is not set unless it is given; here it is empty then.`
    notes.add('OB239', place, says, `Give --var ${name}=…, or write a default.`)
  } else {
    const secret = `A secret: scripts that name it have it from ${name} in the environment.`
    notes.add('OB205', place, `\`ARG ${name}\``, isSecretName(name) ? secret : variableAdvice(name))
  }
  const known = state.given[name] ?? (typeof shown === 'string' ? shown : undefined) ?? platform ?? ''
  return joinTexts(new Mixed([new Reference(name, known)]))
}
