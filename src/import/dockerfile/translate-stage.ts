import { posix } from 'node:path'
import type { DraftFields, DraftStep, DraftValue } from '../draft.ts'
import { noteDownloads } from '../packer/find-defects.ts'
import { liftPatterns } from '../packer/lift-patterns.ts'
import { scriptStep } from '../packer/script-step.ts'
import type { Text } from '../value.ts'
import { configEnv } from './config-env.ts'
import { declareArg } from './declare-arg.ts'
import { Unreadable } from './expression.ts'
import { makeFolder } from './make-folder.ts'
import type { DockerInstruction } from './read-dockerfile.ts'
import { DOCKER_SHELL } from './run-script.ts'
import type { StageState } from './stage-state.ts'
import { CONFIG_INSTRUCTIONS } from './translate-config.ts'
import { translateCopy } from './translate-copy.ts'
import { translateRun } from './translate-run.ts'

export interface TranslatedStage {
  readonly steps: readonly DraftStep[]
  readonly config: DraftFields
  readonly comments: readonly string[]
}

/** In the order in which a spec has them. */
const FIELDS = [
  ...['env', 'expose', 'user', 'workdir', 'entrypoint', 'cmd', 'shell', 'labels', 'volumes', 'stopSignal'],
  ...['healthcheck', 'author', 'unset'],
]

/** The steps and the config of a stage; `state` is what it begins with, and has what it ends with. */
export function translateStage(state: StageState, args: ReadonlyMap<string, Text>): TranslatedStage {
  for (const instruction of state.stage.instructions) translate(instruction, args, state)
  makeFolder(state)
  noteVolumes(state)
  const { context, comments } = state
  noteDownloads(state.actions, context)
  const actions = context.lift ? liftPatterns(state.actions, context) : state.actions
  const steps = actions.map((action) =>
    action.kind === 'step'
      ? action.step
      : scriptStep(
          action.lines.map(({ text }) => text),
          action,
          context,
        ),
  )
  return { steps, config: configOf(state), comments }
}

function translate(instruction: DockerInstruction, args: ReadonlyMap<string, Text>, state: StageState): void {
  const { keyword, place, rest } = instruction
  try {
    if (keyword === 'RUN') translateRun(instruction, state)
    else if (keyword === 'COPY' || keyword === 'ADD') translateCopy(instruction, state)
    else if (keyword === 'ARG') declareArg(instruction, args, state)
    else if (keyword === 'ONBUILD') {
      throw new Unreadable('no spec has instructions for the images that stand on it')
    } else CONFIG_INSTRUCTIONS[keyword]!(instruction, state)
  } catch (error) {
    if (!(error instanceof Unreadable)) throw error
    const why = error.message
    const { context, comments } = state
    const shown = `${keyword} ${rest}`.replace(/[\u{100000}-\u{10fffd}]/gu, '…')
    comments.push(`TODO: ${shown.slice(0, 200)}: ${why}.`)
    const advice =
      keyword === 'ONBUILD'
        ? 'Write it in the Dockerfiles, or specs, that stand on this image.'
        : 'The spec has a TODO at its config.'
    context.notes.add(keyword === 'ONBUILD' ? 'OB271' : 'OB276', place, `\`${keyword}\` is left out: ${why}.`, advice)
  }
}

function configOf(state: StageState): DraftFields {
  const { config } = state
  const env = configEnv(state)
  const all = new Map<string, DraftValue>(config)
  if (Object.keys(env).length > 0) all.set('env', env)
  for (const field of ['entrypoint', 'cmd']) {
    const line = all.get(field)
    // A SHELL that follows would be given the line, which it is not in Docker.
    if (typeof line === 'string' && all.has('shell')) all.set(field, [...DOCKER_SHELL, line])
  }
  const unset = withoutEmpty(all)
  if (Object.keys(unset).length > 0) all.set('unset', unset)
  return Object.fromEntries(FIELDS.flatMap((field) => (all.has(field) ? [[field, all.get(field)!]] : [])))
}

/** `CMD []` and `ENTRYPOINT []` stand for none, an entrypoint of the base ending with its command. */
function withoutEmpty(config: Map<string, DraftValue>): DraftFields {
  const isEmpty = (value: DraftValue | undefined) => Array.isArray(value) && value.length === 0
  const unset: Record<string, true> = {}
  if (isEmpty(config.get('entrypoint')) && !config.has('cmd')) unset.cmd = true
  for (const field of ['entrypoint', 'cmd']) {
    if (!isEmpty(config.get(field))) continue
    unset[field] = true
    config.delete(field)
  }
  return unset
}

/** What the classic builder discards. */
function noteVolumes({ stage, config, context, actions }: StageState): void {
  const volumes = ((config.get('volumes') ?? []) as readonly DraftValue[]).filter((path) => typeof path === 'string')
  const declared = stage.instructions.find(({ keyword }) => keyword === 'VOLUME')
  if (declared === undefined) return
  for (const action of actions) {
    const place = action.kind === 'step' ? action.step.places[0]! : action.place
    if (place.line < declared.place.line) continue
    const text =
      action.kind === 'script' ? action.lines.map((line) => line.text).join('\n') : String(action.step.step?.to ?? '')
    const volume = volumes.find((path) => new RegExp(`${escaped(posix.normalize(path))}(/|\\s|$)`).test(text))
    if (volume === undefined) continue
    const says = `${volume} is a VOLUME already when this writes there, which the classic builder discards.`
    context.notes.add('OB240', place, says, 'BuildKit keeps it, and so does ocibake.')
  }
}

const escaped = (text: string) => text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')
