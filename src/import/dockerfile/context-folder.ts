import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { readFlags } from './flags.ts'
import { jsonTexts, splitWords } from './instructions.ts'
import type { DockerfileText } from './read-dockerfile.ts'

/**
 * The folder that COPY and ADD take files from, which no Dockerfile says: its own, unless more of what they name is in the
 * current one, as for `docker build --file docker/Dockerfile .`.
 */
export function contextFolder({ instructions, escaper }: DockerfileText, own: string, current: string): string {
  const sources = instructions.flatMap((instruction) => {
    if (!['COPY', 'ADD'].includes(instruction.keyword)) return []
    const { flags, behind } = readFlags(instruction)
    if (flags.some(({ name }) => name === 'from')) return []
    const line = instruction.rest.slice(behind)
    const words = jsonTexts(line) ?? splitWords(line, escaper)
    return words.slice(0, -1).filter((word) => !/[*?[$<:]/.test(word) && !/^[./]*$/.test(word))
  })
  const there = (folder: string) => sources.filter((source) => existsSync(join(folder, source))).length
  return there(current) > there(own) ? current : own
}
