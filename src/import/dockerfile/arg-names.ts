import { argOf } from './declare-arg.ts'
import { splitWords } from './instructions.ts'
import type { DockerfileText } from './read-dockerfile.ts'

/** What a Dockerfile declares by ARG, wherever. */
export function argNames({ instructions, escaper }: DockerfileText): string[] {
  return instructions
    .filter(({ keyword }) => keyword === 'ARG')
    .flatMap((instruction) => splitWords(instruction.rest, escaper).map((word) => argOf(word, instruction).name))
}
