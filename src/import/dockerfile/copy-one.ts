import { posix } from 'node:path'
import type { DraftFields } from '../draft.ts'
import { unusualMode } from '../unusual-mode.ts'
import { type CopyJob, type Destination, octalMode, stepTarget } from './copy-job.ts'
import { shownFields, shownHidden } from './hidden-text.ts'
import { isArchive } from './is-archive.ts'
import { noteModes } from './note-modes.ts'
import { addStep, type StageState } from './stage-state.ts'

/** A file or a folder of the build context. */
export interface Source {
  /** In the build context, variables hidden in it; '' is all of it. */
  readonly path: string
  /** What it is now. */
  readonly known: string
  readonly kind: 'file' | 'folder'
}

/** One source of COPY or ADD: a `copy` step, or an `unpack` step of a tarball. */
export function copyOne(source: Source, job: CopyJob, state: StageState): void {
  const { files, context } = state
  const { options, instruction } = job
  const onDisk = files.onDisk(source.known)
  const isUnpacked =
    instruction.keyword === 'ADD' && options.unpack !== false && source.kind === 'file' && isArchive(onDisk)
  if (isUnpacked) {
    unpackOne(source, job, state)
    return
  }
  const target: Destination = withParents(source, job)
  if (source.kind === 'folder') {
    const exclude = folderExclusion(source.known, job, state)
    noteModes(onDisk, source.known, instruction.place, context.notes)
    const step = { copy: files.forSpec(source.path, 'folder'), to: target.path }
    addCopy(exclude.length === 0 ? step : { ...step, exclude }, 'folder', job, state)
  } else {
    const mode = unusualMode(onDisk)
    const step = {
      copy: files.forSpec(source.path, 'file'),
      to: stepTarget(target),
      ...(mode === undefined ? {} : { mode }),
    }
    noteNewFolder(target, job, state)
    addCopy(step, 'file', job, state, targetOf(source, target))
  }
}

function noteNewFolder({ path, isFolder }: Destination, { options, instruction }: CopyJob, state: StageState): void {
  const folder = isFolder ? path : posix.dirname(path)
  if (options.owner === undefined || state.folders.has(folder)) return
  const says = `If the base has no ${shownHidden(folder, state)}, Docker makes it for ${shownHidden(options.owner, state)}; here it is root's.`
  state.context.notes.add('OB243', instruction.place, says, 'Add an `own` step for it if it matters.')
}

function targetOf({ known }: Source, { path, isFolder }: Destination): string {
  return isFolder ? posix.join(path, posix.basename(known)) : path
}

/** The destination; by `--parents` with the folders that the source is in, from the pivot on. */
export function withParents(
  { known, kind }: Pick<Source, 'known' | 'kind'>,
  { to, options, pivot }: CopyJob,
): Destination {
  if (!options.parents) return to
  const inner = kind === 'folder' ? known : posix.dirname(known)
  const isBelow = pivot !== '' && `${inner}/`.startsWith(`${pivot}/`)
  return { path: posix.join(to.path, isBelow ? inner.slice(pivot.length) : inner), isFolder: true }
}

function folderExclusion(folder: string, { options, instruction }: CopyJob, { files, context }: StageState): string[] {
  const { exclude, inexact } = files.rules.exclusionBelow(folder)
  const { place } = instruction
  if (exclude.length > 0) {
    context.notes.add('OB210', place, `What ${files.ignoreFile} leaves out`, 'In `exclude` of the step.')
  }
  if (inexact.length > 0) {
    const says = `${inexact.join(', ')} of ${files.ignoreFile} takes back what is in a folder that is left out.`
    context.notes.add('OB235', place, says, 'Look whether `exclude` leaves out what it should.')
  }
  const own = folder === '' ? files.own.map((path) => `/${path}`) : []
  return [...exclude, ...options.exclude.map((pattern) => (pattern.startsWith('**') ? pattern : `/${pattern}`)), ...own]
}

function unpackOne({ path }: Source, job: CopyJob, state: StageState): void {
  const { files, context } = state
  const { to, options, instruction } = job
  const owner = options.owner ?? 'archive'
  const step = { unpack: files.forSpec(path, 'file'), to: to.path, owner }
  addStep(state, shownFields(step, state), instruction.place)
  context.notes.add('OB203', instruction.place, `\`ADD ${posix.basename(path)}\``, 'An `unpack` step.')
}

/** Adds the step, and what `--chown` and `--chmod` say. @param target the path that a file gets */
export function addCopy(
  step: DraftFields,
  kind: Source['kind'],
  job: CopyJob,
  state: StageState,
  target?: string,
): void {
  const { context, folders } = state
  const { options, instruction, to } = job
  const { keyword, place } = instruction
  const octal = options.chmod === undefined ? undefined : octalMode(options.chmod.mode)
  const whole = {
    ...step,
    ...(options.owner === undefined ? {} : { owner: options.owner }),
    ...(octal === undefined ? {} : { mode: octal }),
  }
  const draft = { step: shownFields(whole, state), comment: [], places: [place] }
  state.actions.push({ kind: 'step', step: draft, ...(target === undefined ? {} : { target }) })
  context.notes.add('OB203', place, `\`${keyword}\` of '${shownHidden(String(step.copy), state)}'`, 'A `copy` step.')
  folders.add(kind === 'folder' || to.isFolder ? to.path : posix.dirname(to.path))
  if (options.chmod === undefined) return
  if (octal === undefined) {
    const chmod = target ?? to.path
    addStep(
      state,
      shownFields({ chmod, mode: options.chmod.mode, ...(kind === 'folder' ? { recursive: true } : {}) }, state),
      place,
    )
  }
  if (kind === 'folder' && octal !== '0755') {
    const says = `\`--chmod=${options.chmod.mode}\` is for folders too; here it is for ${octal === undefined ? 'all that is in the destination' : 'files alone'}.`
    context.notes.add('OB245', options.chmod.place, says, 'Add a `chmod` step if it matters.')
  }
}
