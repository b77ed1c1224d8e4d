import { posix } from 'node:path'
import { addAddress } from './add-address.ts'
import { copyFromImage } from './copy-from-image.ts'
import { type CopyJob, type Destination, octalMode, pivotOf } from './copy-job.ts'
import { type CopyOptions, copyOptions } from './copy-options.ts'
import { copySource } from './copy-source.ts'
import { Unreadable } from './expression.ts'
import { absolutePath, isAbsolutePath, knownHidden, shownHidden } from './hidden-text.ts'
import { jsonTexts, splitWords } from './instructions.ts'
import { isRoot, makeFolder } from './make-folder.ts'
import { type DockerInstruction, invalid } from './read-dockerfile.ts'
import { addStep, type StageState } from './stage-state.ts'

/** COPY and ADD as `copy`, `unpack` and `write` steps. @throws Unreadable; TEMPLATE_INVALID for one without a destination */
export function translateCopy(instruction: DockerInstruction, state: StageState): void {
  const { rest, place, keyword, heredocs } = instruction
  const options = copyOptions(instruction, state)
  const line = rest.slice(options.behind)
  const words = jsonTexts(line) ?? splitWords(line, state.escaper)
  if (words.length < 2)
    throw invalid(place, `${keyword} has no destination.`, `Write: ${keyword} SOURCE... DESTINATION`)
  const sources = words.slice(0, -1)
  const to = destination(state.scope.expand(words.at(-1)!), state, instruction)
  if (sources.length > 1 && !to.isFolder) {
    throw invalid(place, `${keyword} has several sources, and a destination that is no folder.`, 'End it with a slash.')
  }
  prepare(to, options, state)
  for (const word of sources) {
    const heredoc = heredocs.find((one) => one.word === word)
    if (heredoc !== undefined) {
      const text = heredoc.expand ? state.scope.expandHeredoc(heredoc.content) : heredoc.content
      writeHeredoc(heredoc.name, text, { to, options, instruction }, state)
    } else translateSource(state.scope.expand(word), { to, options, instruction }, state)
  }
}

function translateSource(word: string, given: Omit<CopyJob, 'pivot'>, state: StageState): void {
  const job = { ...given, pivot: pivotOf(word) }
  if (job.options.from !== undefined) copyFromImage(word, job.options.from, job, state)
  else if (job.instruction.keyword === 'ADD' && /^(https?:\/\/|git:\/\/|git@|ssh:\/\/)/.test(word)) {
    addAddress(word, job, state)
  } else copySource(word, job, state)
}

function writeHeredoc(
  name: string,
  text: string,
  { to, options, instruction }: Omit<CopyJob, 'pivot'>,
  state: StageState,
): void {
  const { hidden, notes } = state.context
  const path = to.isFolder ? posix.join(to.path, name) : to.path
  const mode = octalMode(options.chmod?.mode ?? '')
  addStep(
    state,
    {
      write: hidden.show(path),
      text: hidden.show(text),
      ...(mode === undefined ? {} : { mode }),
      ...(options.owner === undefined ? {} : { owner: hidden.show(options.owner) }),
    },
    instruction.place,
  )
  notes.add('OB209', instruction.place, `The heredoc '${name}'`, 'A `write` step.')
}

/** Relative to WORKDIR; a dot, and what ends with a slash, is a folder. */
function destination(text: string, state: StageState, { place }: DockerInstruction): Destination {
  const { context, workdir } = state
  if (knownHidden(text, state) === '') throw new Unreadable('its destination is empty')
  if (!isAbsolutePath(text, state) && workdir === undefined) {
    const says = `'${shownHidden(text, state)}' is relative to the base's WORKDIR, which is taken to be /.`
    context.notes.add('OB233', place, says, 'Correct `to` if the base has another.')
  }
  const path = absolutePath(text, workdir ?? '/', state)
  return { path, isFolder: text.endsWith('/') || /(^|\/)\.\.?$/.test(text) || path === '/' }
}

/** What the step makes by itself, WORKDIR need not make: but the step's owner would be that of the folder too. */
function prepare({ path }: Destination, { owner, from }: CopyOptions, state: StageState): void {
  const { unmade, folders } = state
  if (unmade === undefined || (path !== unmade.path && !path.startsWith(`${unmade.path}/`))) return
  if (!isRoot(unmade) || owner !== undefined || from !== undefined) makeFolder(state)
  else {
    folders.add(unmade.path)
    state.unmade = undefined
  }
}
