import { basename, posix } from 'node:path'
import type { DraftFields } from '../draft.ts'
import { joinTexts, knownText } from '../text.ts'
import { unusualFilesIn, unusualMode } from '../unusual-mode.ts'
import type { Place, Text } from '../value.ts'
import type { Action } from './action.ts'
import { type Context, type LocalPath, localPath } from './context.ts'
import type { ImageFolders } from './image-folders.ts'
import type { Options } from './options.ts'
import { todoStep } from './todo-step.ts'

/**
 * The steps of a `file` provisioner. Where things land depends on a slash at the end of the source, and on what is in the
 * image: that follows `docker cp`, which Packer uses.
 */
export function translateFile(options: Options, folders: ImageFolders, context: Context): Action[] {
  const { notes } = context
  const place = options.block.place
  const direction = options.text('direction')
  const generated = options.flag('generated') === true
  if (direction === 'download') {
    for (const name of ['source', 'sources', 'destination']) options.value(name)
    notes.add(
      'OB182',
      place,
      'A file is downloaded from the container.',
      'Take it out of the image: `ocibake build --output rootfs:FILE`.',
    )
    return [todoStep('TODO: Packer downloaded a file from the container here.', place)]
  }
  const destination = options.text('destination')
  if (destination === undefined) {
    notes.add('OB183', place, 'A `file` provisioner has no `destination`.', 'Packer refuses it too.')
    return []
  }
  const to = absolute(destination, options.place('destination'), context)
  const content = options.text('content')
  if (content !== undefined) return [writeStep(content, to, options, context)]
  const sources = [...options.single('source'), ...options.texts('sources')]
  return sources.map(({ text, place: at }) =>
    copyStep(localPath(text, context), to, { at, generated }, folders, context),
  )
}

/** Relative destinations start at the root, whatever the WORKDIR. */
function absolute(destination: Text, place: Place, { notes }: Context): Text {
  const known = knownText(destination) ?? '/'
  if (known.startsWith('/')) return destination
  notes.add(
    'OB110',
    place,
    `The destination '${known}' is relative: Packer takes it from the root.`,
    `Write '/${known.replace(/^\.\//, '')}'.`,
  )
  return typeof destination === 'string' ? `/${destination.replace(/^(\.\/)+/, '')}` : joinTexts('/', destination)
}

function writeStep(content: Text, to: Text, options: Options, { notes }: Context): Action {
  const place = options.place('content')
  const known = knownText(to) ?? ''
  if (known.endsWith('/')) {
    notes.add(
      'OB194',
      place,
      'The destination of `content` is a folder: Packer gives the file a random name there.',
      'Name the file.',
    )
    return todoStep(`TODO: name the file: Packer wrote one of a random name to ${known}.`, place)
  }
  notes.add('OB153', place, '`content`', 'A `write` step, with the mode 0600 that Packer gives such files.')
  const step: DraftFields = { write: to, text: content, mode: '0600' }
  return { kind: 'step', step: { step, comment: [], places: [place] }, target: known }
}

interface Sourced {
  readonly at: Place
  readonly generated: boolean
}

function copyStep(
  source: LocalPath,
  to: Text,
  { at, generated }: Sourced,
  folders: ImageFolders,
  context: Context,
): Action {
  const { notes } = context
  const { written, onDisk, isFolder } = source
  if (onDisk === undefined && !generated) {
    const advice = written.endsWith('/')
      ? 'Make the folder.'
      : 'Put it there; whether it is a folder decides where it lands.'
    notes.add('OB186', at, `There is no '${written}' on this machine.`, advice)
  }
  const target = isFolder ? folderTarget(source, to, folders, at, context) : { to, comment: [] }
  const mode = onDisk === undefined || isFolder ? undefined : unusualMode(onDisk)
  if (isFolder && onDisk !== undefined) noteModes(onDisk, written, at, context)
  const step: DraftFields = { copy: source.path, to: target.to, ...(mode === undefined ? {} : { mode }) }
  notes.add('OB153', at, `'${written}'`, `A \`copy\` step to ${knownText(target.to) ?? 'its destination'}.`)
  const known = knownText(target.to)
  const isInside = !isFolder && known?.endsWith('/') === true
  const name = isInside ? posix.join(known!, basename(written)) : known
  if (isFolder && known !== undefined) folders.add(known)
  return {
    kind: 'step',
    step: { step, comment: target.comment, places: [at] },
    ...(name === undefined ? {} : { target: name }),
  }
}

/** Without a slash at its end a folder lands in the destination under its own name, if the image has that. */
function folderTarget(
  { written }: LocalPath,
  to: Text,
  folders: ImageFolders,
  at: Place,
  { notes }: Context,
): { to: Text; comment: string[] } {
  if (written.endsWith('/')) return { to, comment: [] }
  const known = knownText(to) ?? ''
  const inner = joinTexts(to, known.endsWith('/') ? '' : '/', basename(written))
  if (folders.has(known)) return { to: inner, comment: [] }
  const says = `'${written}' has no slash at its end: where '${known}' exists, Packer copies into ${posix.join(known, basename(written))}.`
  notes.add('OB173', at, says, 'It is taken not to exist; correct `to` if the base has it.')
  return { to, comment: [`If the base has ${known}, this belongs to ${posix.join(known, basename(written))}.`] }
}

function noteModes(folder: string, written: string, at: Place, { notes }: Context): void {
  const shown = unusualFilesIn(folder)
  if (shown === undefined) return
  const says = `In '${written}' others may not read ${shown}; in the image they may.`
  notes.add('OB172', at, says, "Write `mode: 'keep'`, or a `chmod` step behind it.")
}
