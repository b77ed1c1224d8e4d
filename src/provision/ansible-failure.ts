import { isAbsolute, relative } from 'node:path'
import { OcibakeError } from '../errors.ts'
import type { JsonObject } from '../oci/json.ts'
import { shown } from './shown.ts'

const LINES = 12
const TEXT_FIELDS = ['module_stderr', 'stderr', 'module_stdout', 'stdout', 'exception']
/** What a shell, Ansible's own search, and a Python without its library say. */
const NO_PYTHON = /python[\d.]*['"]?: (not found|No such file)|No python interpreters found|env: .?python/i
const PART_OF_PYTHON = /^ModuleNotFoundError: No module named /m
const INSTALL = "{ run: ['apt-get update', 'apt-get install -y --no-install-recommends python3'] }"
const WITHOUT_PYTHON = `Ansible's modules need Python in the image; only \`raw\` and \`script\` do not. Install it in a step before, such as ${INSTALL}, or by \`raw\` in a play with \`gather_facts: false\`.`
const WITHOUT_LIBRARY = `Ansible's modules need a whole Python in the image, python3 and not python3-minimal: ${INSTALL}`

/** Where and how one of Ansible's programs failed. */
export interface AnsibleFailure {
  /** Which, and of what. */
  readonly program: string
  readonly code: number
  readonly events: readonly JsonObject[]
  /** Lines of output that say themselves that they are errors, and the last lines. */
  readonly errors: readonly string[]
  readonly last: readonly string[]
  readonly logFile: string
  /** Absolute, of the spec file: paths below it are shown as they are from there. */
  readonly folder: string
  redact(line: string): string
}

/** What Ansible puts before what stops it: argparse, ansible-core before 2.19, and since. */
export const ERROR_LINE = /^(\S+: error: |ERROR! |\[ERROR\]: )/

/** RUN_FAILED that names the task that failed, its file and line, and what it said. */
export function ansibleFailed(failure: AnsibleFailure): OcibakeError {
  const { program, code, events, last, logFile, redact } = failure
  const failed = events.findLast(({ kind }) => kind === 'failed' || kind === 'unreachable')
  const lines = failed === undefined ? saidLast(failure) : [taskLine(failed, failure.folder), ...said(failed)]
  const text = lines.map((line) => `\n  ${shown(redact(line))}`).join('')
  const hints = hintsIn([...lines, ...last].join('\n'), String(failed?.module_stderr ?? ''))
  return new OcibakeError('RUN_FAILED', `${program} ended with exit code ${code}.${text}`, {
    hint: [`The whole output: ${logFile}`, ...hints].join('\n'),
  })
}

/** @param module what a module wrote that could not even start; a program of the user's may miss modules of its own */
function hintsIn(text: string, module: string): string[] {
  if (NO_PYTHON.test(text)) return [WITHOUT_PYTHON]
  return PART_OF_PYTHON.test(module) ? [WITHOUT_LIBRARY] : []
}

/** An error, with what follows it: a whole usage may. */
function saidLast({ errors, last }: AnsibleFailure): readonly string[] {
  const at = last.findIndex((line) => errors.includes(line))
  return at >= 0 ? last.slice(at) : errors.length > 0 ? errors : last
}

function taskLine({ kind, task, path, host, msg }: JsonObject, folder: string): string {
  const [first = ''] = String(msg ?? '').split('\n')
  const how = kind === 'unreachable' ? `${host} could not be reached` : 'failed'
  return `Task '${task}' (${placed(String(path), folder)}) ${how}${first === '' ? '.' : `: ${first}`}`
}

/** `roles/redis/tasks/main.yml:3` */
function placed(path: string, folder: string): string {
  const inside = relative(folder, path)
  return inside.startsWith('../') || isAbsolute(inside) ? path : inside
}

/** The rest of the message, and of what the task wrote the first that there is. */
function said(failed: JsonObject): string[] {
  const [, ...more] = String(failed.msg ?? '').split('\n')
  const field = TEXT_FIELDS.find((name) => typeof failed[name] === 'string' && String(failed[name]).trim() !== '')
  const written = field === undefined ? [] : String(failed[field]).trimEnd().split('\n').slice(-LINES)
  return [...more.slice(0, LINES), ...written].map((line) => `  ${line}`)
}
