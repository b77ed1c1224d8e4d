import { readFileSync } from 'node:fs'
import { type DraftFields, FileText } from '../draft.ts'
import { knownText } from '../text.ts'
import type { Place } from '../value.ts'
import type { Action, ScriptLine } from './action.ts'
import { type Context, localPath } from './context.ts'
import { type Execution, readExecuteCommand } from './execute-command.ts'
import { exitCodeTrap } from './exit-codes.ts'
import { noteFixed } from './note-fixed.ts'
import type { Options, PlacedText } from './options.ts'
import { runEnvironment } from './run-environment.ts'
import { splitShebang } from './split-shebang.ts'
import { todoStep } from './todo-step.ts'

/** Options that say how Packer gets a script into a machine, which nothing here has to do. */
const NEEDLESS = [
  ...['remote_folder', 'remote_file', 'remote_path', 'skip_clean', 'use_env_var_file', 'env_var_format', 'binary'],
  ...['start_retry_timeout', 'pause_after', 'expect_disconnect'],
]
const TRUE_SHELL = /^#!\s*(?:\/usr\/bin\/env\s+)?(\S*\/)?(?:ba|da|a|k)?sh(?:\s|$)/

/** What of the builder every script of a build shares. */
export interface ScriptDefaults {
  /** `exec_user`, and what `run_command` says. */
  readonly options: DraftFields
}

/** The steps of a `shell` provisioner: one script of its lines, or one for each of its files. */
export function translateShell(options: Options, defaults: ScriptDefaults, context: Context): Action[] {
  const { notes } = context
  for (const name of NEEDLESS.filter((one) => options.has(one))) {
    notes.add(
      'OB156',
      options.place(name),
      `\`${name}\` is not needed.`,
      'A script is given to the sandbox as it is; nothing of it stays.',
    )
  }
  const run = runOptions(options, defaults, context)
  const inline = options.texts('inline')
  const scripts = [...options.single('script'), ...options.texts('scripts')]
  if (inline.length > 0) return [inlineScript(inline, options, run, context)]
  return scripts.flatMap((script) => fileScript(script, run, context))
}

interface RunOptions {
  readonly fields: DraftFields
  readonly comment: readonly string[]
  readonly execution: Execution
  readonly trap: string | undefined
}

function runOptions(options: Options, defaults: ScriptDefaults, context: Context): RunOptions {
  const { env: own, secrets } = runEnvironment(options, context)
  const { env: shared = {}, ...others } = defaults.options
  const env = { ...(shared as DraftFields), ...own }
  const timeout = options.text('timeout')
  const { execution, comment } = executionOf(options, context)
  return {
    execution,
    comment,
    trap: exitCodeTrap(options, context),
    fields: {
      ...(Object.keys(env).length === 0 ? {} : { env }),
      ...others,
      ...(execution.user === undefined ? {} : { user: execution.user }),
      ...(timeout === undefined ? {} : { timeout }),
      ...(secrets.length === 0 ? {} : { secrets }),
    },
  }
}

function executionOf(options: Options, { hidden, notes }: Context): { execution: Execution; comment: string[] } {
  const plain = { shell: undefined, user: undefined, sudo: false }
  const command = options.text('execute_command')
  if (command === undefined) return { execution: plain, comment: [] }
  const place = options.place('execute_command')
  const known = knownText(command)
  const execution = known === undefined ? undefined : readExecuteCommand(known)
  if (execution !== undefined) {
    const hiding = hidden.hide(command)
    // A password for sudo is not kept.
    const isSame = JSON.stringify(readExecuteCommand(hiding)) === JSON.stringify(execution)
    if (!isSame) noteFixed(hidden.describe(hiding), place, notes)
    const sudo = execution.sudo ? ' without sudo, as root' : ''
    notes.add(
      'OB152',
      place,
      `\`execute_command\` is how the script is run${sudo}.`,
      'The `shell` and `user` of the step say the same.',
    )
    return { execution, comment: [] }
  }
  notes.add(
    'OB187',
    place,
    'What `execute_command` does is not understood.',
    'Compare the step: `shell`, `user` and `env` say how its script is run.',
  )
  return {
    execution: plain,
    comment: [`TODO: Packer ran this by execute_command: ${known ?? 'something that is not known'}`],
  }
}

function inlineScript(inline: readonly PlacedText[], options: Options, run: RunOptions, context: Context): Action {
  const { hidden, notes } = context
  const interpreter = options.text('inline_shebang') ?? ''
  const shebang = knownText(interpreter)
  const lines = inline.flatMap(({ text, place }): ScriptLine[] => {
    // What is not the last line ends where the next begins.
    const whole = hidden.hide(text).replace(/\n$/, '')
    const rows = whole.split('\n')
    if (rows.length === 2 || rows.includes('')) return [{ text: whole, place }]
    // Several lines in HCL are a heredoc, whose text begins on the next line.
    const isHeredoc = rows.length > 1 && context.format === 'hcl'
    return rows.map((row, index) => ({ text: row, place: isHeredoc ? below(place, index + 1) : place }))
  })
  const own = lines[0]?.text.startsWith('#!') ? lines[0].text : undefined
  const shell = run.execution.shell ?? (shebang ? splitShebang(shebang) : undefined)
  if (typeof interpreter !== 'string' && shebang && shell !== run.execution.shell) {
    noteFixed(hidden.describe(hidden.hide(interpreter)), options.place('inline_shebang'), notes)
  }
  const program = shell?.join(' ') ?? own?.slice(2).trim()
  const place = options.has('inline') ? options.place('inline') : options.block.place
  const what = `\`inline\` of ${inline.length} ${inline.length === 1 ? 'line' : 'lines'}`
  notes.add('OB152', place, what, 'A `run` step: one script, as Packer has it.')
  const trap = run.trap === undefined ? [] : [{ text: run.trap, place }]
  return {
    kind: 'script',
    lines: own === undefined ? [...trap, ...lines] : [lines[0]!, ...trap, ...lines.slice(1)],
    options: shell === undefined ? run.fields : { shell, ...run.fields },
    isPlain:
      run.trap === undefined && run.fields.user === undefined && (program === undefined || endsOnFailure(program)),
    comment: run.comment,
    place,
  }
}

const below = (place: Place, lines: number): Place => ({ ...place, line: place.line + lines })

function endsOnFailure(program: string): boolean {
  return /^\/(usr\/)?bin\/(env\s+)?(ba|da|a)?sh(\s+-[a-z]*e[a-z]*)(\s|$)/.test(program)
}

function fileScript(script: PlacedText, run: RunOptions, context: Context): Action[] {
  const { notes } = context
  const { path, written, onDisk, isFolder } = localPath(script.text, context)
  if (onDisk === undefined || isFolder) {
    notes.add(
      'OB186',
      script.place,
      `There is no script '${written}'.`,
      'Put it there and import again; the spec has a TODO.',
    )
    return [todoStep(`TODO: run the script ${written}, which was not there.`, script.place)]
  }
  const text = readFileSync(onDisk, 'utf8')
  if (text.includes('\0')) {
    notes.add(
      'OB187',
      script.place,
      `'${written}' is a program, no text.`,
      'Copy it into the image, run it and remove it.',
    )
    return [todoStep(`TODO: copy the program ${written}, run it, and remove it.`, script.place)]
  }
  if (text.trim() === '') {
    notes.add('OB156', script.place, `The script '${written}' is empty.`, 'It is left out.')
    return []
  }
  notes.add('OB152', script.place, `The script '${written}'`, 'A `run` step that reads the file.')
  const file = new FileText(path, text.includes('\r\n'))
  const step = { ...fileRun(file, text, script, run, context), ...run.fields }
  const lines = text
    .split(/\r?\n/)
    .map((line, index) => ({ text: line, place: { file: written, line: index + 1, column: 1 } }))
  return [{ kind: 'step', step: { step, comment: run.comment, places: [script.place] }, script: lines }]
}

/** The text of a script, and what reads it if its own first line cannot say: there is none, or a trap stands before it. */
function fileRun(
  file: FileText,
  text: string,
  { place }: PlacedText,
  { trap, execution }: RunOptions,
  { notes }: Context,
): DraftFields {
  const first = text.split(/\r?\n/, 1)[0]!
  const own = first.startsWith('#!') ? first : undefined
  // The kernel refuses a text without a first line that says; the shell that tried then reads it itself, without -e.
  const shell = execution.shell ?? (own === undefined ? ['/bin/sh'] : undefined)
  if (trap !== undefined && (shell !== undefined || TRUE_SHELL.test(own!))) {
    return { run: [trap, file], shell: shell ?? splitShebang(own!) }
  }
  if (trap !== undefined) {
    notes.add(
      'OB187',
      place,
      'Other exit codes than 0 cannot be allowed for what is no shell script.',
      'Allow them in the script.',
    )
  }
  return { run: file, ...(shell === undefined ? {} : { shell }) }
}
