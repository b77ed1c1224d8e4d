import { posix } from 'node:path'
import type { DraftFields } from '../draft.ts'
import { unusualMode } from '../unusual-mode.ts'
import { type CopyJob, type Destination, octalMode, stepTarget } from './copy-job.ts'
import { knownHidden, shownFields, shownHidden } from './hidden-text.ts'
import { isArchive } from './is-archive.ts'
import { noteModes } from './note-modes.ts'
import { patternExpression } from './pattern-expression.ts'
import { addStep, addTodo, type StageState } from './stage-state.ts'

interface Source {
  /** In the build context, variables hidden in it; '' is all of it. */
  readonly path: string
  /** What it is now. */
  readonly known: string
  readonly kind: 'file' | 'folder'
}

/** A source of COPY or ADD in the build context: a file, a folder, or a pattern of them. */
export function copySource(word: string, job: CopyJob, state: StageState): void {
  const known = knownHidden(word, state)
  if (known === undefined) {
    const says = `Which file '${shownHidden(word, state)}' is, depends on a variable that has no value.`
    state.context.notes.add('OB278', job.instruction.place, says, 'Give it by --var, or correct the step.')
  }
  const path = contextPath(known ?? '')
  if (known !== undefined && /[*?[]/.test(known)) copyPattern(path, job, state)
  else if (known === undefined) copyOne({ path: word, known: 'unknown', kind: 'file' }, job, state)
  else copyKnown(known === word ? path : contextPath(word), path, job, state)
}

/** Every path begins at the context, and stays in it. */
function contextPath(word: string): string {
  if (/^[\u{100000}-\u{10fffd}]/u.test(word)) return word
  return posix.normalize(`/${word}`).replace(/^\/+|\/+$/g, '')
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

/** All that the pattern means now: files that come later are not copied. */
function copyPattern(pattern: string, job: CopyJob, state: StageState): void {
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
  const names = patternExpression(pattern)
  const below = files.rules
    .exclusionBelow(folder)
    .exclude.filter((one) => /[*?[]/.test(one) || names.test(one.slice(1)))
  const exclude = ['/*', `!/${pattern}`, ...below, ...job.options.exclude.map((one) => `/${one}`)]
  add({ copy: files.forSpec(folder, 'folder'), to: job.to.path, exclude }, 'file', job, state)
}

function copyOne(source: Source, job: CopyJob, state: StageState): void {
  const { files, context } = state
  const { to, options, instruction } = job
  const onDisk = files.onDisk(source.known)
  const isUnpacked =
    instruction.keyword === 'ADD' && options.unpack !== false && source.kind === 'file' && isArchive(onDisk)
  if (isUnpacked) {
    unpackOne(source, job, state)
    return
  }
  const target: Destination = options.parents ? withParents(source, to) : to
  if (source.kind === 'folder') {
    const exclude = folderExclusion(source.known, job, state)
    noteModes(onDisk, source.known, instruction.place, context.notes)
    const step = { copy: files.forSpec(source.path, 'folder'), to: target.path }
    add(exclude.length === 0 ? step : { ...step, exclude }, 'folder', job, state)
  } else {
    const mode = unusualMode(onDisk)
    const step = {
      copy: files.forSpec(source.path, 'file'),
      to: stepTarget(target),
      ...(mode === undefined ? {} : { mode }),
    }
    noteNewFolder(target, job, state)
    add(step, 'file', job, state, targetOf(source, target))
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

/** `--parents`: with the folders that it is in. */
function withParents({ known, kind }: Source, { path }: Destination): Destination {
  const inner = kind === 'folder' ? known : posix.dirname(known)
  return { path: posix.join(path, inner), isFolder: true }
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

function add(step: DraftFields, kind: Source['kind'], job: CopyJob, state: StageState, target?: string): void {
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
