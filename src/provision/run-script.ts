import { OcibakeError } from '../errors.ts'
import type { SecretFile } from './sandbox.ts'
import type { RunStep } from './step.ts'

/** On the sandbox's own /dev: never in the tree, and at the same place in every build. */
const SCRIPT_PATH = '/dev/ocibake/script'
const DEFAULT_SHELL = ['/bin/sh', '-e']
/** MAX_ARG_STRLEN of Linux, execve(2), with its NUL. */
const LONGEST_ARGUMENT = 131_071

export interface RunScript {
  readonly argv: readonly string[]
  /** The script as a file, if argv names one: path -> file. */
  readonly files: ReadonlyMap<string, SecretFile>
}

/**
 * How the lines of a step reach its shell: as an argument if the shell ends with `-c`, as a program of their own if
 * they start with `#!` and no shell was chosen, else as a file that the shell reads.
 * @throws SPEC_INVALID for a text that is too long for an argument, or has a NUL byte
 */
export function runScript(step: RunStep): RunScript {
  const text = scriptText(step)
  const shell = step.shell ?? DEFAULT_SHELL
  if (text.includes('\0')) throw new OcibakeError('SPEC_INVALID', 'The script holds a NUL byte, which no shell reads.')
  if (shell.at(-1) === '-c') {
    if (Buffer.byteLength(text) <= LONGEST_ARGUMENT) return { argv: [...shell, text], files: new Map() }
    throw new OcibakeError(
      'SPEC_INVALID',
      `The script has ${Buffer.byteLength(text)} bytes; an argument behind '-c' has at most ${LONGEST_ARGUMENT}.`,
      { hint: "Leave '-c' out of `shell`: then the shell reads the script from a file." },
    )
  }
  const file = { bytes: Buffer.from(`${text}\n`), mode: 0o555, uid: 0, gid: 0 }
  const isProgram = step.shell === undefined && text.startsWith('#!')
  return { argv: isProgram ? [SCRIPT_PATH] : [...shell, SCRIPT_PATH], files: new Map([[SCRIPT_PATH, file]]) }
}

/** All lines of a step as one text. */
export function scriptText(step: RunStep): string {
  return typeof step.run === 'string' ? step.run : step.run.join('\n')
}
