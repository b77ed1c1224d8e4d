import type { DraftFields } from '../draft.ts'
import type { Place } from '../value.ts'
import type { Flag } from './flags.ts'
import type { DockerInstruction } from './read-dockerfile.ts'
import { runMount } from './run-mount.ts'
import type { StageState } from './stage-state.ts'

export interface RunOptions {
  readonly fields: DraftFields
  readonly secrets: readonly DraftFields[]
  readonly comment: readonly string[]
}

type TakeFlag = (value: string, place: Place, state: StageState) => Partial<RunOptions>

const FLAGS: ReadonlyMap<string, TakeFlag> = new Map<string, TakeFlag>([
  ['mount', runMount],
  ['network', network],
  [
    'security',
    (value, place, state) =>
      noteRights(`--security=${value}`, 'a sandbox gives no more rights than it has', place, state),
  ],
  ['device', (value, place, state) => noteRights(`--device=${value}`, 'a sandbox has no devices', place, state)],
])

/** What the options of a RUN are for its step. @throws Unreadable */
export function runOptions(flags: readonly Flag[], { placeAt }: DockerInstruction, state: StageState): RunOptions {
  const found = flags.map(({ name, value = '', at }) => {
    const take = FLAGS.get(name)
    return take === undefined ? unknownFlag(name, placeAt(at), state) : take(value, placeAt(at), state)
  })
  return {
    fields: Object.assign({}, ...found.map(({ fields }) => fields)),
    secrets: found.flatMap(({ secrets = [] }) => secrets),
    comment: found.flatMap(({ comment = [] }) => comment),
  }
}

function network(value: string, place: Place, { context }: StageState): Partial<RunOptions> {
  const isNone = value === 'none'
  const become = isNone ? "`network: 'none'`" : 'What a step has anyhow.'
  context.notes.add('OB208', place, `\`--network=${value}\``, become)
  return isNone ? { fields: { network: 'none' } } : {}
}

function noteRights(flag: string, why: string, place: Place, { context }: StageState): Partial<RunOptions> {
  context.notes.add('OB242', place, `\`${flag}\`: ${why}.`, 'Look whether the script needs them.')
  return {}
}

function unknownFlag(name: string, place: Place, { context }: StageState): Partial<RunOptions> {
  context.notes.add('OB277', place, `RUN has no option \`--${name}\` that is known here.`, 'It is left out.')
  return { comment: [`TODO: --${name} of RUN is not known.`] }
}
