import { posix } from 'node:path'
import type { DraftFields } from '../draft.ts'
import type { Place } from '../value.ts'
import type { Flag } from './flags.ts'
import { noteWanted } from './note-wanted.ts'
import type { DockerInstruction } from './read-dockerfile.ts'
import type { StageState } from './stage-state.ts'

export interface RunOptions {
  readonly fields: DraftFields
  readonly secrets: readonly DraftFields[]
  readonly comment: readonly string[]
}

/** `--mount`, `--network` and `--security` of a RUN. */
export function runOptions(flags: readonly Flag[], { placeAt }: DockerInstruction, state: StageState): RunOptions {
  const { notes } = state.context
  const fields: Record<string, string> = {}
  const secrets: DraftFields[] = []
  const comment: string[] = []
  for (const { name, value = '', at } of flags) {
    const place = placeAt(at)
    if (name === 'mount') {
      const mount = readMount(value, place, state)
      secrets.push(...mount.secrets)
      comment.push(...mount.comment)
    } else if (name === 'network') {
      if (value === 'none') fields.network = 'none'
      notes.add(
        'OB208',
        place,
        `\`--network=${value}\``,
        value === 'none' ? "`network: 'none'`" : 'What a step has anyhow.',
      )
    } else if (name === 'security') {
      const says = `\`--security=${value}\`: a sandbox gives no more rights than it has.`
      notes.add('OB242', place, says, 'Look whether the script needs them.')
    } else if (name === 'device') {
      notes.add(
        'OB242',
        place,
        `\`--device=${value}\`: a sandbox has no devices.`,
        'Look whether the script needs them.',
      )
    } else {
      comment.push(`TODO: --${name} of RUN is not known.`)
      notes.add('OB277', place, `RUN has no option \`--${name}\` that is known here.`, 'It is left out.')
    }
  }
  return { fields, secrets, comment }
}

function readMount(value: string, place: Place, state: StageState): Pick<RunOptions, 'secrets' | 'comment'> {
  const options = new Map(
    value.split(',').map((pair) => {
      const equals = pair.indexOf('=')
      return equals < 0 ? [pair.toLowerCase(), 'true'] : [pair.slice(0, equals).toLowerCase(), pair.slice(equals + 1)]
    }),
  )
  const { notes } = state.context
  const target = options.get('target') ?? options.get('dst') ?? options.get('destination')
  const type = options.get('type') ?? 'bind'
  if (type === 'secret') return { secrets: [secretOf(options, target, place, state)], comment: [] }
  if (type === 'cache' || type === 'tmpfs') {
    const says =
      type === 'cache'
        ? `The cache at ${target} is not kept between builds; what the script leaves there stays in the image.`
        : `${target} is part of the image here: what the script leaves there stays.`
    notes.add('OB237', place, says, 'Add a `remove` step if it is to go.')
    return { secrets: [], comment: [] }
  }
  const from = options.get('from')
  if (type === 'bind' && from !== undefined) return bindOf(from, target ?? '/', place, state)
  const what = type === 'ssh' ? 'the keys of an ssh agent' : `files at ${target}`
  const advice =
    type === 'ssh'
      ? 'Give the step a secret with a key or a token.'
      : 'Copy them before the step, and remove them behind it.'
  notes.add('OB274', place, `\`--mount=type=${type}\` gives the script ${what}, which a step cannot.`, advice)
  return { secrets: [], comment: [`TODO: Docker gave this script ${what}: --mount=${value}`] }
}

/** Files of another image, of which there is a tarball then. */
function bindOf(
  from: string,
  target: string,
  place: Place,
  state: StageState,
): Pick<RunOptions, 'secrets' | 'comment'> {
  const { tarball } = state.otherImage(state.scope.expand(from), place)
  const says = `\`--mount=type=bind\` gives the script files of ${from} at ${target}, which a step cannot.`
  const advice = `Add an \`unpack\` step of ${tarball} before it, and a \`remove\` step behind it.`
  state.context.notes.add('OB274', place, says, advice)
  return { secrets: [], comment: [`TODO: Docker gave this script files of ${tarball} at ${target}.`] }
}

function secretOf(
  options: ReadonlyMap<string, string>,
  target: string | undefined,
  place: Place,
  { context, workdir }: StageState,
): DraftFields {
  const id = options.get('id') ?? posix.basename(target ?? 'secret')
  const variable = options.get('env')
  const from =
    variable ??
    id
      .replace(/[^A-Za-z0-9]+/g, '_')
      .replace(/^(?=\d)/, '_')
      .toUpperCase()
  const file = target === undefined ? undefined : posix.resolve(workdir ?? '/', target)
  const isRequired = /^(1|t|true)$/i.test(options.get('required') ?? '')
  const says = `The secret '${id}'`
  context.notes.add(
    'OB221',
    place,
    says,
    `\`secrets\` of the step, from ${from} in the environment; or name a file: 'file:PATH'.`,
  )
  if (!isRequired) noteWanted(id, from, place, context.notes)
  return {
    id: id.replace(/[^A-Za-z0-9_.-]+/g, '-'),
    source: `env:${from}`,
    ...(file === undefined ? {} : { file: context.hidden.show(file) }),
    ...(variable === undefined ? {} : { env: variable }),
  }
}
