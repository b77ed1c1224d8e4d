import type { DockerInstruction } from './read-dockerfile.ts'

export interface Flag {
  /** Without dashes. */
  readonly name: string
  /** undefined: it stands alone, as `--link`. */
  readonly value: string | undefined
  /** Where in the instruction's text it begins. */
  readonly at: number
}

/** The options at the start of an instruction, and where what follows them begins. */
export function readFlags({ rest }: Pick<DockerInstruction, 'rest'>): { flags: readonly Flag[]; behind: number } {
  const flags: Flag[] = []
  let behind = 0
  for (;;) {
    const [whole, name, value] = /^--([a-z][a-z-]*)(?:=("[^"]*"|'[^']*'|\S*))?(?:\s+|$)/.exec(rest.slice(behind)) ?? []
    if (whole === undefined) return { flags, behind }
    flags.push({ name: name!, value: value?.replace(/^(["'])(.*)\1$/s, '$2'), at: behind })
    behind += whole.length
  }
}
