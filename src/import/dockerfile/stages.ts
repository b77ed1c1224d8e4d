import { OcibakeError } from '../../errors.ts'
import { splitWords } from './instructions.ts'
import { type DockerfileText, type DockerInstruction, invalid } from './read-dockerfile.ts'

/** One image of a Dockerfile. */
export interface Stage {
  readonly index: number
  /** In lower case; undefined: it is called by its number. */
  readonly name: string | undefined
  readonly from: DockerInstruction
  /** `FROM image`, not expanded. */
  readonly base: string
  readonly instructions: readonly DockerInstruction[]
}

export interface Stages {
  /** Before the first FROM. */
  readonly args: readonly DockerInstruction[]
  readonly stages: readonly Stage[]
}

const KNOWN = new Set([
  ...['ADD', 'ARG', 'CMD', 'COPY', 'ENTRYPOINT', 'ENV', 'EXPOSE', 'FROM', 'HEALTHCHECK', 'LABEL', 'MAINTAINER'],
  ...['ONBUILD', 'RUN', 'SHELL', 'STOPSIGNAL', 'USER', 'VOLUME', 'WORKDIR'],
])

/** The stages of a Dockerfile. @throws TEMPLATE_INVALID for what BuildKit refuses before it builds anything */
export function stagesOf({ instructions, escaper }: DockerfileText, file: string): Stages {
  const args: DockerInstruction[] = []
  const stages: (Stage & { instructions: DockerInstruction[] })[] = []
  for (const instruction of instructions) {
    const { keyword, place, rest } = instruction
    if (!KNOWN.has(keyword)) throw invalid(place, `There is no instruction ${keyword}.`)
    if (rest === '' && instruction.heredocs.length === 0) throw invalid(place, `${keyword} has nothing behind it.`)
    const stage = stages.at(-1)
    if (keyword === 'FROM') stages.push(stageOf(instruction, stages.length, escaper))
    else if (stage !== undefined) stage.instructions.push(instruction)
    else if (keyword === 'ARG') args.push(instruction)
    else throw invalid(place, `${keyword} stands before the first FROM.`, 'Only ARG may.')
  }
  if (stages.length === 0) {
    throw new OcibakeError('TEMPLATE_INVALID', `${file} has no FROM.`, { hint: 'A Dockerfile begins with one.' })
  }
  return { args, stages }
}

function stageOf(
  from: DockerInstruction,
  index: number,
  escaper: string,
): Stage & { instructions: DockerInstruction[] } {
  const words = splitWords(from.rest, escaper).filter((word) => !word.startsWith('--'))
  const [base, as, name] = words
  if (base === undefined || (words.length !== 1 && (words.length !== 3 || as!.toLowerCase() !== 'as'))) {
    throw invalid(from.place, 'FROM names an image, and perhaps a stage: FROM IMAGE AS NAME.')
  }
  if (name !== undefined && !/^[a-z][a-z0-9_.-]*$/i.test(name)) {
    throw invalid(from.place, `'${name}' is no name of a stage: letters, digits, dashes, dots and underscores.`)
  }
  return { index, name: name?.toLowerCase(), from, base, instructions: [] }
}

/** The stage before `index` that a name or a number means; undefined: it is an image. */
export function stageNamed(stages: readonly Stage[], word: string, index: number): Stage | undefined {
  const before = stages.slice(0, index)
  const named = before.findLast(({ name }) => name === word.toLowerCase())
  return named ?? (/^\d+$/.test(word) ? before[Number(word)] : undefined)
}
