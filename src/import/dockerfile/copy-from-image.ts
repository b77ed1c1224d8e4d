import { posix } from 'node:path'
import type { DraftFields } from '../draft.ts'
import type { Place } from '../value.ts'
import { type CopyJob, type Destination, octalMode, sourcePath } from './copy-job.ts'
import { Unreadable } from './expression.ts'
import { shownFields, shownHidden } from './hidden-text.ts'
import { looksLikeFile } from './looks-like-file.ts'
import { addStep, addTodo, type OtherImage, type StageState } from './stage-state.ts'

/** COPY --from: what a tarball of the other image's files has at a path is unpacked. @throws Unreadable */
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

/** Its parts as tar takes them: what is matched keeps its own name, unless the step says how many folders to leave out. */
function unpackStep(path: string, other: OtherImage, job: CopyJob, state: StageState): Unpacked {
  const { to, options, instruction, pivot } = job
  const { place } = instruction
  const depth = path === '' ? 0 : path.split('/').length
  const name = posix.basename(path)
  const base: DraftFields = { unpack: other.tarball }
  const owner = { owner: options.owner ?? 'archive' }
  const exclude = options.exclude.length === 0 ? {} : { exclude: options.exclude.map((one) => posix.join(path, one)) }
  const wildcards =
    path === '' ? {} : { wildcards: [path.replace(/[*?[\]\\]/g, (it) => (/[*?]/.test(it) ? it : `\\${it}`))] }
  const parts = { ...wildcards, ...exclude, ...owner }
  const strip = (count: number) => (count === 0 ? {} : { stripComponents: count })
  const add = (fields: DraftFields) => addStep(state, shownFields(fields, state), place)
  if (options.parents) {
    add({ ...base, to: to.path, ...strip(pivot === '' ? 0 : pivot.split('/').length), ...parts })
    return { target: to.path, isFolder: true }
  }
  // Then it does not matter whether it is a file or a folder.
  if (name !== '' && !to.isFolder && posix.basename(to.path) === name) {
    add({ ...base, to: posix.dirname(to.path), ...strip(depth - 1), ...parts })
    return { target: to.path, isFolder: false }
  }
  const isPattern = /[*?]/.test(path)
  if (isPattern && !to.isFolder) throw new Unreadable('what its pattern matches is not known')
  const isKnown = other.files.has(`/${path}`)
  const isFile = isPattern || isKnown || looksLikeFile(path, to, other, state)
  if (isPattern) notePattern(path, job, state)
  else if (path !== '' && !isKnown) noteKind(path, isFile, job, state)
  if (!isFile) {
    add({ ...base, to: to.path, ...strip(depth), ...parts })
    return { target: to.path, isFolder: true }
  }
  if (to.isFolder) {
    add({ ...base, to: to.path, ...strip(depth - 1), ...parts })
    return { target: posix.join(to.path, name), isFolder: false }
  }
  renamed(name, to, { ...base, ...strip(depth - 1), ...parts }, add)
  return { target: to.path, isFolder: false }
}

/** A file under another name: unpacked into a folder of its own, linked, and that folder removed. */
function renamed(
  name: string,
  to: Destination,
  { unpack, ...parts }: DraftFields,
  add: (step: DraftFields) => void,
): void {
  const folder = posix.join(posix.dirname(to.path), `.${posix.basename(to.path)}.import`)
  add({ unpack: unpack!, to: folder, ...parts })
  add({ link: to.path, target: posix.join(folder, name), hard: true })
  add({ remove: folder })
}

function notePattern(path: string, { instruction }: CopyJob, { context }: StageState): void {
  const says = `'/${path}' is matched as tar does: \`*\` is for slashes too, and folders keep their names.`
  context.notes.add('OB246', instruction.place, says, 'Name the files if there are folders among them.')
}

function noteKind(path: string, isFile: boolean, { to, instruction }: CopyJob, { context }: StageState): void {
  const [kind, other] = isFile ? ['file', 'folder'] : ['folder', 'file']
  const says = `Whether '/${path}' of the other image is a file or a folder, no Dockerfile says; it is taken for a ${kind}.`
  const wrong = isFile && to.isFolder ? 'it would land in a folder of its own name' : 'the build would end there'
  const advice = `If it is a ${other}, \`stripComponents\` is one ${isFile ? 'more' : 'less'}: ${wrong}.`
  context.notes.add('OB246', instruction.place, says, advice)
}
