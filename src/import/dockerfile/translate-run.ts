import type { DraftFields } from '../draft.ts'
import type { ScriptLine } from '../packer/action.ts'
import { brokenLines } from './broken-lines.ts'
import { distinctSecrets } from './distinct-secrets.ts'
import { readFlags } from './flags.ts'
import { shownFields } from './hidden-text.ts'
import { isRoot, makeFolder } from './make-folder.ts'
import type { DockerInstruction } from './read-dockerfile.ts'
import { runOptions } from './run-options.ts'
import { DOCKER_SHELL, isShell, type RunScript, runScript } from './run-script.ts'
import { scriptEnvironment } from './script-environment.ts'
import { commandLines } from './script-lines.ts'
import type { StageState } from './stage-state.ts'

/** RUN as a `run` step: its commands one a line where that means the same, else its script as it is. */
export function translateRun(instruction: DockerInstruction, state: StageState): void {
  const { place } = instruction
  const { context, user, workdir } = state
  const { flags, behind } = readFlags(instruction)
  const script = hiddenScript(runScript(instruction, behind, state), state)
  const options = runOptions(flags, instruction, state)
  const environment = scriptEnvironment(script.text, place, state)
  makeFolder(state)
  noteScript(script, instruction, state)
  const { lines, fields, isPlain } = withExports(environment.exports, script, instruction, state)
  const secrets = distinctSecrets([...environment.secrets, ...options.secrets]).map((secret) =>
    shownFields(secret, state),
  )
  const all: DraftFields = {
    ...fields,
    ...(Object.keys(environment.env).length === 0 ? {} : { env: environment.env }),
    ...(user === undefined ? {} : { user: context.hidden.show(user) }),
    ...(workdir === undefined ? {} : { workdir: context.hidden.show(workdir) }),
    ...options.fields,
    ...(secrets.length === 0 ? {} : { secrets }),
  }
  state.actions.push({
    kind: 'script',
    lines,
    options: all,
    isPlain: isPlain && isRoot(state) && secrets.length === 0,
    comment: options.comment,
    place,
  })
}

/** Characters of a Dockerfile that would be taken for hidden variables are hidden themselves. */
function hiddenScript(script: RunScript, { context }: StageState): RunScript {
  return { ...script, text: context.hidden.hide(script.text) }
}

interface Lines {
  readonly lines: readonly ScriptLine[]
  readonly fields: DraftFields
  readonly isPlain: boolean
}

/** Before the lines, where a shell of POSIX reads them; any other program is called by one that has done it. */
function withExports(exports: string, script: RunScript, instruction: DockerInstruction, state: StageState): Lines {
  const { shell } = script
  const { lines, fields, isPlain } = linesOf(script, instruction, state)
  if (exports === '') return { lines, fields, isPlain }
  if (shell !== undefined && isShell(shell[0]!))
    return { lines: [{ text: exports, place: instruction.place }, ...lines], fields, isPlain }
  const calling = state.context.hidden.show(`${exports}; exec "$@"`)
  return { lines, fields: { shell: [...DOCKER_SHELL, calling, 'sh', ...(shell ?? [])] }, isPlain }
}

function linesOf(script: RunScript, instruction: DockerInstruction, state: StageState): Lines {
  const { text, shell, from, kind } = script
  const { place, placeAt, breaks } = instruction
  const placeOf = (at: number) => (from === undefined ? place : placeAt(from + at))
  if (shell === undefined) return { lines: [{ text, place }], fields: {}, isPlain: false }
  const failing = failingShell(shell)
  const own = kind === 'line' ? breaks.map((at) => at - from!) : []
  const isUnclear = (character: string) => state.context.hidden.isUnclear(character)
  const commands = failing === undefined ? undefined : commandLines(text, isUnclear, own)
  if (commands !== undefined) {
    const lines = commands.map((command) => ({ text: command.text, place: placeOf(command.at) }))
    const isDefault = failing!.join(' ') === '/bin/sh -e'
    return { lines, fields: isDefault ? {} : { shell: found(failing!) }, isPlain: isDefault || isShell(failing![0]!) }
  }
  const whole = brokenLines(text, own)
  return { lines: [{ text: whole.replace(/\n$/, ''), place }], fields: { shell: found(shell) }, isPlain: false }
}

/** A step names a shell by its path; Docker looks for one that has none. */
function found(shell: readonly string[]): readonly string[] {
  return shell[0]!.startsWith('/') ? shell : ['/usr/bin/env', ...shell]
}

/** How a shell is called so that it ends at the first command that fails; undefined: it is none that we know. */
function failingShell(shell: readonly string[]): readonly string[] | undefined {
  const [program = '', ...options] = shell
  const last = options.at(-1) ?? ''
  if (!isShell(program) || !/^-[a-z]*c$/.test(last)) return undefined
  const words = [...options.slice(0, -1), ...(last === '-c' ? [] : [last.replace('c', '')])]
  const fails = words.some((word, index) => /^-[a-z]*e/.test(word) && words[index - 1] !== '-o')
  return [program, ...(fails ? [] : ['-e']), ...words]
}

function noteScript({ kind, text, shell }: RunScript, { place, heredocs }: DockerInstruction, state: StageState): void {
  const { notes, hidden } = state.context
  notes.add('OB202', place, '`RUN`', 'A `run` step.')
  if (shell !== undefined && !isShell(shell[0] ?? '')) {
    notes.add('OB279', place, `The shell ${shell[0]} is none of POSIX.`, 'Look whether the step does what it is to do.')
  }
  if (kind === 'list' && shell === DOCKER_SHELL) {
    const says = 'A list is run without a shell by Docker; here it is a line for /bin/sh.'
    notes.add('OB241', place, says, 'The base needs a /bin/sh.')
  }
  const isBody = kind === 'heredoc' && heredocs.length === 1 && shell !== undefined && !text.includes('<<')
  const lines = text.split('\n').filter((line) => !/^\s*(#|$)/.test(line))
  if (isBody && lines.length > 1 && commandLines(text, (character) => hidden.isUnclear(character)) === undefined) {
    const says = 'A command of this heredoc may fail unnoticed: only the last one counts.'
    notes.add('OB250', place, says, 'Begin it with `set -e`; the step keeps it as it is.')
  }
}
