import type { DraftFields, DraftValue } from '../draft.ts'
import { healthcheckChange } from '../packer/healthcheck-change.ts'
import { isSecretName } from '../secret-name.ts'
import { Unreadable } from './expression.ts'
import { absolutePath, checkHidden, isAbsolutePath, knownHidden, shownHidden } from './hidden-text.ts'
import { jsonTexts, namedValues, splitWords } from './instructions.ts'
import { takeFolder } from './make-folder.ts'
import { portOf } from './port.ts'
import { type DockerInstruction, invalid } from './read-dockerfile.ts'
import type { StageState } from './stage-state.ts'

const SIGNAL = /^((SIG)?[A-Z][A-Z0-9]*([+-]\d+)?|\d+)$/
const USER = /^[^\s:]+(:[^\s:]+)?$/

type Translate = (instruction: DockerInstruction, state: StageState) => void

/** The instructions that say how a container starts. Each throws Unreadable for what no spec can say. */
export const CONFIG_INSTRUCTIONS: Readonly<Record<string, Translate>> = {
  ENV: env,
  LABEL: label,
  EXPOSE: (instruction, state) => each(instruction, state, 'expose', portOf, 'a port'),
  VOLUME: (instruction, state) => each(instruction, state, 'volumes', volumeIn(state), 'a path'),
  USER: user,
  WORKDIR: workdir,
  STOPSIGNAL: (instruction, state) => void one(instruction, state, 'stopSignal', SIGNAL, 'a signal'),
  SHELL: shell,
  CMD: (instruction, state) => command(instruction, state, 'cmd'),
  ENTRYPOINT: (instruction, state) => command(instruction, state, 'entrypoint'),
  HEALTHCHECK: healthcheck,
  MAINTAINER: maintainer,
}

function mapped({ context }: StageState, { keyword, place }: DockerInstruction, field: string): void {
  context.notes.add('OB204', place, `\`${keyword}\``, `config.${field}`)
}

function pairsOf({ rest, keyword, place }: DockerInstruction, state: StageState): (readonly [string, string])[] {
  const pairs = namedValues(rest, state.escaper)
  if (pairs === undefined)
    throw invalid(place, `${keyword} has a name without a value.`, `Write: ${keyword} NAME=VALUE`)
  return pairs.map(([name, value]) => [state.scope.expand(name), value])
}

function env(instruction: DockerInstruction, state: StageState): void {
  const pairs = pairsOf(instruction, state)
  for (const [name] of pairs) {
    if (typeof state.context.hidden.show(name) !== 'string') throw new Unreadable('a name depends on a variable')
    checkHidden(name, /^[^=\s]+$/, 'the name of a variable', state)
  }
  state.scope.set(pairs)
  mapped(state, instruction, 'env')
  for (const [name] of pairs.filter(([name, value]) => isSecretName(name) && value !== '')) {
    const says = `\`ENV ${name}\` puts a secret into the image for all to read.`
    state.context.notes.add('OB251', instruction.place, says, 'Give it to containers when they start.')
  }
}

function label(instruction: DockerInstruction, state: StageState): void {
  const { hidden } = state.context
  const before = (state.config.get('labels') ?? {}) as DraftFields
  const labels = pairsOf(instruction, state).map(([name, value]) => {
    const shown = hidden.show(name)
    if (typeof shown !== 'string') throw new Unreadable('the name of a label depends on a variable')
    if (shown === '') throw new Unreadable('a label has no name')
    return [shown, hidden.show(state.scope.expand(value))] as const
  })
  state.config.set('labels', { ...before, ...Object.fromEntries(labels) })
  mapped(state, instruction, 'labels')
}

function each(
  instruction: DockerInstruction,
  state: StageState,
  field: 'expose' | 'volumes',
  parse: (text: string) => string | undefined,
  wanted: string,
): void {
  const { hidden } = state.context
  const words = jsonTexts(instruction.rest) ?? splitWords(instruction.rest, state.escaper)
  const found = words
    .flatMap((word) => state.scope.expand(word).split(/\s+/))
    .filter((word) => word !== '')
    .map((word): DraftValue => {
      const known = knownHidden(word, state)
      const parsed = known === undefined || parse(known) !== undefined ? parse(word) : undefined
      if (parsed === undefined) throw new Unreadable(`'${shownHidden(word, state)}' is not ${wanted}`)
      return /^\d+$/.test(parsed) && field === 'expose' ? Number(parsed) : hidden.show(parsed)
    })
  const before = (state.config.get(field) ?? []) as readonly DraftValue[]
  state.config.set(field, [...new Set([...before, ...found])])
  mapped(state, instruction, field)
}

function volumeIn(state: StageState): (text: string) => string | undefined {
  return (text) => absolutePath(text, state.workdir ?? '/', state)
}

function one(instruction: DockerInstruction, state: StageState, field: string, form: RegExp, wanted: string): string {
  const text = state.scope.expand(instruction.rest)
  checkHidden(text, form, wanted, state)
  state.config.set(field, state.context.hidden.show(text))
  mapped(state, instruction, field)
  return text
}

function user(instruction: DockerInstruction, state: StageState): void {
  state.user = one(instruction, state, 'user', USER, 'a user, perhaps with a group')
}

/** A relative one starts at the one before, or at the base's. */
function workdir(instruction: DockerInstruction, state: StageState): void {
  const { context, scope } = state
  const { place } = instruction
  const text = scope.expand(instruction.rest)
  if (knownHidden(text, state) === '') throw new Unreadable('it comes to nothing')
  if (!isAbsolutePath(text, state) && state.workdir === undefined) {
    const says = `WORKDIR '${shownHidden(text, state)}' is relative to the base's, which is taken to be /.`
    context.notes.add('OB233', place, says, 'Correct config.workdir, and `workdir` of steps, if the base has another.')
  }
  const path = absolutePath(text, state.workdir ?? '/', state)
  state.workdir = path
  takeFolder(path, place, state)
  state.config.set('workdir', context.hidden.show(path))
  mapped(state, instruction, 'workdir')
}

function shell(instruction: DockerInstruction, state: StageState): void {
  const words = jsonTexts(instruction.rest)
  if (words === undefined || words.length === 0) {
    throw invalid(instruction.place, 'SHELL is no list of texts in JSON.', 'Write: SHELL ["/bin/bash", "-c"]')
  }
  state.shell = words
  state.config.set('shell', words)
  mapped(state, instruction, 'shell')
}

/** A line is for the shell as it is by then, which the spec's may not be. */
function command(instruction: DockerInstruction, state: StageState, field: 'cmd' | 'entrypoint'): void {
  const { rest, place, keyword } = instruction
  const { notes } = state.context
  const list = jsonTexts(rest)
  if (state.config.has(field)) {
    const says = `There are several ${keyword}: the last one counts.`
    notes.add('OB254', place, says, 'Take the others out.')
  }
  if (list === undefined && rest.startsWith('[')) {
    const says = `${keyword} looks like a list, but is no JSON: it is one line for the shell.`
    notes.add('OB252', place, says, `Write config.${field} as the list that was meant.`)
  }
  state.config.set(field, list ?? (state.shell === undefined ? rest : [...state.shell, rest]))
  mapped(state, instruction, field)
}

function healthcheck(instruction: DockerInstruction, state: StageState): void {
  state.config.set('healthcheck', healthcheckChange(instruction.rest))
  mapped(state, instruction, 'healthcheck')
}

function maintainer(instruction: DockerInstruction, state: StageState): void {
  state.config.set('author', instruction.rest)
  mapped(state, instruction, 'author')
}
