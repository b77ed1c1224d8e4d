import { posix } from 'node:path'
import type { CopyOptions } from './copy-options.ts'
import type { DockerInstruction } from './read-dockerfile.ts'

/** Where COPY and ADD put things. Texts have their variables hidden in them. */
export interface Destination {
  /** Absolute, without a slash at its end but for the root. */
  readonly path: string
  /** It is a folder whatever the source is. */
  readonly isFolder: boolean
}

/** One COPY or ADD, for whatever takes one of its sources. */
export interface CopyJob {
  readonly to: Destination
  readonly options: CopyOptions
  readonly instruction: DockerInstruction
  /** Of the source, the folder that `--parents` leaves out with all above it; '' is none. */
  readonly pivot: string
}

/** Of a source, without slashes around it: every path begins at the context, or the other image, and stays in it. */
export function sourcePath(word: string): string {
  if (/^[\u{100000}-\u{10fffd}]/u.test(word)) return word
  return posix.normalize(`/${word}`).replace(/^\/+|\/+$/g, '')
}

/** What stands before the first `/./` of a source (dockerfile2llb/convert_copy.go). */
export function pivotOf(word: string): string {
  const end = word.indexOf('/./')
  return end < 0 ? '' : sourcePath(word.slice(0, end))
}

/** The destination as a step has it, a slash saying that it is a folder. */
export function stepTarget({ path, isFolder }: Destination): string {
  return isFolder && path !== '/' ? `${path}/` : path
}

/** As a spec has it: `0644`. undefined for a mode of letters. */
export function octalMode(mode: string): string | undefined {
  if (!/^[0-7]{3,4}$/.test(mode)) return undefined
  return mode.length === 3 ? `0${mode}` : mode
}
