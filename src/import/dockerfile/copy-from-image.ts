import { posix } from 'node:path'
import type { DraftFields } from '../draft.ts'
import type { Place } from '../value.ts'
import { type CopyJob, octalMode, sourcePath, stepTarget } from './copy-job.ts'
import { shownFields, shownHidden } from './hidden-text.ts'
import { looksLikeFile } from './looks-like-file.ts'
import { addStep, addTodo, type OtherImage, type StageState } from './stage-state.ts'

/** COPY --from: what a tarball of the other image's files has at a path is unpacked. */
export function copyFromImage(
  word: string,
  from: { readonly word: string; readonly place: Place },
  job: CopyJob,
  state: StageState,
): void {
  const { context } = state
  const { place } = job.instruction
  const path = sourcePath(word)
  const other = state.otherImage(from.word, from.place)
  if (/[\u{100000}-\u{10fffd}]/u.test(path)) {
    context.notes.add(
      'OB276',
      place,
      'What COPY --from takes depends on a variable.',
      'Write the `unpack` step yourself.',
    )
    addTodo(state, `copy what a variable names from ${other.tarball} to ${job.to.path}.`, place)
    return
  }
  const mapped = `An \`unpack\` step, from the files of ${from.word} as \`--output rootfs:${other.tarball}\` writes them.`
  context.notes.add('OB203', place, `\`COPY --from=${from.word}\` of '${path === '' ? '/' : path}'`, mapped)
  chmodCopied(unpackStep(path, other, job, state), job, state)
}

/** By `--chmod`: what else is in a folder that the image has keeps its modes. */
function chmodCopied({ target, isFolder }: Unpacked, { options, to }: CopyJob, state: StageState): void {
  if (options.chmod === undefined) return
  const { mode, place } = options.chmod
  if (isFolder && state.folders.has(to.path)) {
    const says = `\`--chmod=${shownHidden(mode, state)}\` is for what is copied into ${shownHidden(to.path, state)}, which a step cannot tell from what is there.`
    state.context.notes.add('OB245', place, says, 'Add a `chmod` step for the paths that are meant.')
    return
  }
  const step = { chmod: target, mode: octalMode(mode) ?? mode, recursive: true }
  addStep(state, shownFields(step, state), place)
}

interface Unpacked {
  /** What is at its place in the image then. */
  readonly target: string
  /** There may be other things in it. */
  readonly isFolder: boolean
}

/** A step that takes what is there as COPY does; with `--parents`, and of all that there is, as tar does. */
function unpackStep(path: string, other: OtherImage, job: CopyJob, state: StageState): Unpacked {
  const { to, options, instruction, pivot } = job
  const exclude = options.exclude.length === 0 ? {} : { exclude: options.exclude.map((one) => posix.join(path, one)) }
  const parts = { ...exclude, owner: options.owner ?? 'archive' }
  const add = (fields: DraftFields) =>
    addStep(state, shownFields({ unpack: other.tarball, ...fields }, state), instruction.place)
  if (options.parents || path === '') {
    const depth = pivot === '' ? 0 : pivot.split('/').length
    add({ to: to.path, ...(depth === 0 ? {} : { stripComponents: depth }), ...wildcards(path), ...parts })
    return { target: to.path, isFolder: true }
  }
  add({ take: takeable(path), to: stepTarget(to), ...parts })
  const into = to.isFolder || state.folders.has(to.path)
  if (options.chmod === undefined || !into) return { target: to.path, isFolder: false }
  const isKnown = isPattern(path) || other.files.has(`/${path}`)
  const isFile = isKnown || looksLikeFile(path, to, other, state)
  if (!isKnown) noteKind(path, isFile, job, state)
  return isFile
    ? { target: posix.join(to.path, posix.basename(path)), isFolder: false }
    : { target: to.path, isFolder: true }
}

const isPattern = (path: string) => /[*?[]/.test(path)

function wildcards(path: string): DraftFields {
  return path === '' ? {} : { wildcards: [path.replace(/[*?[\]\\]/g, (it) => (/[*?]/.test(it) ? it : `\\${it}`))] }
}

/** A pattern of Go's filepath.Match as a glob, in which braces and two asterisks would be more; a path as it is. */
function takeable(path: string): string {
  return `/${isPattern(path) ? path.replace(/\*{2,}/g, '*').replace(/[{}]/g, '\\$&') : path.replaceAll('\\', '\\\\')}`
}

/** Only for `--chmod`, whose step has to name what was copied. */
function noteKind(path: string, isFile: boolean, { instruction }: CopyJob, { context }: StageState): void {
  const [kind, other] = isFile ? ['file', 'folder'] : ['folder', 'file']
  const says = `Whether '/${path}' of the other image is a file or a folder, no Dockerfile says; for \`--chmod\` it is taken for a ${kind}.`
  const advice = `If it is a ${other}, correct the path of the \`chmod\` step.`
  context.notes.add('OB246', instruction.place, says, advice)
}
