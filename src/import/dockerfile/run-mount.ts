import { posix } from 'node:path'
import type { DraftFields } from '../draft.ts'
import type { Place } from '../value.ts'
import { absolutePath, shownHidden } from './hidden-text.ts'
import { noteWanted } from './note-wanted.ts'
import type { StageState } from './stage-state.ts'

/** What a step has for a mount. */
export interface StepMount {
  readonly secrets?: readonly DraftFields[]
  readonly comment?: readonly string[]
}

/** The options of a mount by their names, which have several; variables in them are hidden. */
interface MountOptions {
  readonly written: string
  readonly target: string | undefined
  readonly value: (...names: readonly string[]) => string | undefined
}

/** What `--mount` of a RUN is for its step. @throws Unreadable */
export function runMount(written: string, place: Place, state: StageState): StepMount {
  const options = readOptions(written, state)
  const type = (options.value('type') ?? 'bind').toLowerCase()
  const from = options.value('from')
  if (type === 'secret') return { secrets: [secretOf(options, place, state)] }
  if (type === 'cache' || type === 'tmpfs') return noteKept(type, options, place, state)
  return type === 'bind' && from !== undefined
    ? bindOf(from, options, place, state)
    : todoMount(type, options, place, state)
}

/** Values may have variables in them (commands_runmount.go, parseMount). */
function readOptions(written: string, state: StageState): MountOptions {
  const options = new Map(
    written.split(',').map((pair) => {
      const equals = pair.indexOf('=')
      if (equals < 0) return [pair.toLowerCase(), 'true']
      return [pair.slice(0, equals).toLowerCase(), state.scope.expand(pair.slice(equals + 1))]
    }),
  )
  const value = (...names: readonly string[]) => names.map((name) => options.get(name)).find((one) => one !== undefined)
  return { written, target: value('target', 'dst', 'destination'), value }
}

const shownTarget = ({ target = '/' }: MountOptions, state: StageState) => shownHidden(target, state)

function noteKept(type: 'cache' | 'tmpfs', options: MountOptions, place: Place, state: StageState): StepMount {
  const target = shownTarget(options, state)
  const says =
    type === 'cache'
      ? `The cache at ${target} is not kept between builds; what the script leaves there stays in the image.`
      : `${target} is part of the image here: what the script leaves there stays.`
  state.context.notes.add('OB237', place, says, 'Add a `remove` step if it is to go.')
  return {}
}

function todoMount(type: string, options: MountOptions, place: Place, state: StageState): StepMount {
  const isSsh = type === 'ssh'
  const what = isSsh ? 'the keys of an ssh agent' : `files at ${shownTarget(options, state)}`
  const advice = isSsh
    ? 'Give the step a secret with a key or a token.'
    : 'Copy them before the step, and remove them behind it.'
  const says = `\`--mount=type=${type}\` gives the script ${what}, which a step cannot.`
  state.context.notes.add('OB274', place, says, advice)
  return { comment: [`TODO: Docker gave this script ${what}: --mount=${options.written}`] }
}

/** Files of another image, of which there is a tarball then. */
function bindOf(from: string, options: MountOptions, place: Place, state: StageState): StepMount {
  const { tarball } = state.otherImage(from, place)
  const target = shownTarget(options, state)
  const says = `\`--mount=type=bind\` gives the script files of ${shownHidden(from, state)} at ${target}, which a step cannot.`
  const advice = `Add an \`unpack\` step of ${tarball} before it, and a \`remove\` step behind it.`
  state.context.notes.add('OB274', place, says, advice)
  return { comment: [`TODO: Docker gave this script files of ${tarball} at ${target}.`] }
}

function secretOf({ target, value }: MountOptions, place: Place, state: StageState): DraftFields {
  const { context, workdir } = state
  const id = shownHidden(value('id', 'source', 'src') ?? posix.basename(target ?? 'secret'), state)
  const variable = value('env')
  const from = variable ?? variableOf(id)
  const isRequired = /^(1|t|true)$/i.test(value('required') ?? '')
  const become = `\`secrets\` of the step, from ${from} in the environment; or name a file: 'file:PATH'.`
  context.notes.add('OB221', place, `The secret '${id}'`, become)
  if (!isRequired) noteWanted(id, from, place, context.notes)
  return {
    id: id.replace(/[^A-Za-z0-9_.-]+/g, '-'),
    source: `env:${from}`,
    ...(target === undefined ? {} : { file: absolutePath(target, workdir ?? '/', state) }),
    ...(variable === undefined ? {} : { env: variable }),
  }
}

function variableOf(id: string): string {
  const name = id.replace(/[^A-Za-z0-9]+/g, '_').toUpperCase()
  return /^\d/.test(name) ? `_${name}` : name
}
