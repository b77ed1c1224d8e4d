import { basename } from 'node:path'
import { jsonTexts } from './instructions.ts'
import { type DockerInstruction, invalid } from './read-dockerfile.ts'
import type { StageState } from './stage-state.ts'

/** What a RUN gives to a shell, or what stands for it where it has none. */
export interface RunScript {
  readonly text: string
  /** Where a character of the text is in the instruction's own; undefined: it is in a heredoc, or made of a list. */
  readonly from: number | undefined
  /** The shell as Docker calls it; undefined: the script names its own program. */
  readonly shell: readonly string[] | undefined
  readonly kind: 'line' | 'list' | 'heredoc'
}

export const DOCKER_SHELL = ['/bin/sh', '-c']

/** What stands behind the options of a RUN. @throws TEMPLATE_INVALID for a RUN of nothing */
export function runScript(
  instruction: DockerInstruction,
  behind: number,
  { shell = DOCKER_SHELL }: StageState,
): RunScript {
  const line = instruction.rest.slice(behind)
  const list = jsonTexts(line)
  if (list !== undefined) return listScript(list, instruction)
  const [only] = instruction.heredocs
  if (only !== undefined && line === only.word && instruction.heredocs.length === 1) {
    const own = only.content.startsWith('#!')
    return { text: only.content, from: undefined, shell: own ? undefined : shell, kind: 'heredoc' }
  }
  if (line === '') throw invalid(instruction.place, 'RUN has no command.')
  if (instruction.heredocs.length === 0) return { text: line, from: behind, shell, kind: 'line' }
  const bodies = instruction.heredocs.map(({ content, name }) => `${content}${name}\n`)
  return { text: `${line}\n${bodies.join('')}`, from: behind, shell, kind: 'heredoc' }
}

/** A list is no script: a shell that is called in it gets its script from here, of anything else a line is made. */
function listScript(list: readonly string[], { place }: DockerInstruction): RunScript {
  const [program, ...others] = list
  if (program === undefined) throw invalid(place, 'RUN has no command.')
  const calls = isShell(program) && others.length >= 2 && others.length <= 9 && /^-[a-z]*c$/.test(others.at(-2)!)
  if (calls) return { text: list.at(-1)!, from: undefined, shell: list.slice(0, -1), kind: 'list' }
  return { text: list.map(quotedWord).join(' '), from: undefined, shell: DOCKER_SHELL, kind: 'list' }
}

/** It reads what the shells of POSIX read. */
export function isShell(program: string): boolean {
  return /^(ba|da|a|k|mk|z)?sh$/.test(basename(program))
}

/** A word as a shell takes it for itself. */
export function quotedWord(word: string): string {
  return /^[A-Za-z0-9_./:=@%+,-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`
}
