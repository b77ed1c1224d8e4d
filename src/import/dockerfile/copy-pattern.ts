import { posix } from 'node:path'
import type { CopyJob } from './copy-job.ts'
import { addCopy, copyOne, withParents } from './copy-one.ts'
import { patternExpression } from './pattern-expression.ts'
import { addTodo, type StageState } from './stage-state.ts'

/** All that the pattern means now: files that come later are not copied. */
export function copyPattern(pattern: string, job: CopyJob, state: StageState): void {
  const { files, context } = state
  const { place } = job.instruction
  const found = files.matches(pattern)
  if (found.length === 0) {
    context.notes.add(
      'OB278',
      place,
      `Nothing in the build context matches '${pattern}'.`,
      'Write a `copy` for what is meant.',
    )
    addTodo(state, `nothing matched ${pattern} for ${job.to.path} when this was imported.`, place)
    return
  }
  const kinds = found.map((path) => files.kindOf(path) ?? 'file')
  const folder = posix.dirname(pattern)
  const parent = folder === '.' ? '' : folder
  const isSteady = !files.rules.exclusionBelow(parent).exclude.some((one) => one.startsWith('!'))
  if (kinds.every((kind) => kind === 'file') && !/[*?[]/.test(folder) && job.to.isFolder && isSteady) {
    copyMatching(parent, posix.basename(pattern), job, state)
    return
  }
  const advice = 'A step for each; add one when there are more.'
  context.notes.add('OB234', place, `'${pattern}' is ${found.join(', ')} now.`, advice)
  const to = { ...job.to, isFolder: job.to.isFolder || found.length > 1 }
  for (const [index, path] of found.entries())
    copyOne({ path, known: path, kind: kinds[index]! }, { ...job, to }, state)
}

/** Files of one folder by a pattern: the folder without everything else. */
function copyMatching(folder: string, pattern: string, job: CopyJob, state: StageState): void {
  const { files } = state
  const to = withParents({ known: folder, kind: 'folder' }, job)
  const names = patternExpression(pattern)
  const below = files.rules
    .exclusionBelow(folder)
    .exclude.filter((one) => /[*?[]/.test(one) || names.test(one.slice(1)))
  const exclude = ['/*', `!/${pattern}`, ...below, ...job.options.exclude.map((one) => `/${one}`)]
  addCopy({ copy: files.forSpec(folder, 'folder'), to: to.path, exclude }, 'file', job, state)
}
