import { posix } from 'node:path'
import { type CopyJob, sourcePath } from './copy-job.ts'
import { copyOne, type Source } from './copy-one.ts'
import { copyPattern } from './copy-pattern.ts'
import { knownHidden, shownHidden } from './hidden-text.ts'
import type { StageState } from './stage-state.ts'

/** A source of COPY or ADD in the build context: a file, a folder, or a pattern of them. */
export function copySource(word: string, job: CopyJob, state: StageState): void {
  const known = knownHidden(word, state)
  if (known === undefined) {
    const says = `Which file '${shownHidden(word, state)}' is, depends on a variable that has no value.`
    state.context.notes.add('OB278', job.instruction.place, says, 'Give it by --var, or correct the step.')
  }
  const path = sourcePath(known ?? '')
  if (known !== undefined && /[*?[]/.test(known)) copyPattern(path, job, state)
  else if (known === undefined) copyOne({ path: word, known: 'unknown', kind: 'file' }, job, state)
  else copyKnown(known === word ? path : sourcePath(word), path, job, state)
}

function copyKnown(path: string, known: string, job: CopyJob, state: StageState): void {
  const { files, context } = state
  const { place } = job.instruction
  const isTakenBack = files.rules.exclusionBelow(known).exclude.some((one) => one.startsWith('!'))
  if (known !== '' && files.rules.ignores(known) && !isTakenBack) {
    const says = `'${known}' is left out by ${files.ignoreFile}: Docker does not find it.`
    context.notes.add('OB253', place, says, `Take it back in ${files.ignoreFile}; the step copies it.`)
  }
  copyOne({ path, known, kind: files.kindOf(known) ?? guessedKind(known, job, state) }, job, state)
}

function guessedKind(known: string, { to, instruction }: CopyJob, { context }: StageState): Source['kind'] {
  const isFolder = !/\.[A-Za-z0-9]+$/.test(known) && to.isFolder && !/^[A-Z]/.test(posix.basename(known))
  const kind = isFolder ? 'folder' : 'file'
  const advice = `Put it there and import again; for now it is taken for a ${kind}.`
  context.notes.add('OB278', instruction.place, `There is no '${known}' in the build context.`, advice)
  return kind
}
