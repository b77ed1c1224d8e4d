import { posix } from 'node:path'
import { OcibakeError } from '../errors.ts'
import type { ImageConfig } from './config.ts'
import { changeEnvironment } from './environment.ts'
import { type HealthcheckChange, healthcheckOf } from './healthcheck.ts'
import type { JsonObject } from './json.ts'
import { normalPortKey, type PortChange, portKeys } from './ports.ts'
import type { RunConfig } from './run-config.ts'
import { type ConfigUnset, unsetConfig } from './unset-config.ts'

/** What a spec changes in the config of its base. What is absent stays as the base has it. */
export interface ConfigChanges {
  /** Expanded one after the other (see `changeEnvironment`); then each replaces the base's or is added. */
  readonly env?: Readonly<Record<string, string>>
  /** Added to what the base exposes. */
  readonly expose?: readonly PortChange[]
  /** `name`, `uid`, `name:group` or `uid:gid`. */
  readonly user?: string | number
  /** A relative one starts at the base's. */
  readonly workdir?: string
  /** A list is the argv, a text is for the image's shell. Clears the base's `cmd` unless `cmd` or `keepCmd` is given. */
  readonly entrypoint?: readonly string[] | string
  readonly cmd?: readonly string[] | string
  /** The base's `cmd` stays beside a new `entrypoint`. */
  readonly keepCmd?: boolean
  readonly labels?: Readonly<Record<string, string>>
  /** Absolute paths, added to the base's. */
  readonly volumes?: readonly string[]
  /** `SIGTERM`, `SIGRTMIN+3` or a number. */
  readonly stopSignal?: string | number
  /** Replaces the base's. */
  readonly healthcheck?: HealthcheckChange | 'none'
  readonly author?: string
  /** What a text as entrypoint or cmd is given to, instead of the base's or `['/bin/sh', '-c']`. */
  readonly shell?: readonly string[]
  /** Done before everything else. */
  readonly unset?: ConfigUnset
}

/** Traces of the container that the base was committed from: untrue of the new image. */
const STALE = ['id', 'parent', 'container', 'container_config', 'docker_version', 'throwaway']
const STALE_RUN = ['Hostname', 'Domainname', 'Image']

/**
 * The config with the changes in it; rootfs, history, platform and `created` stay. An entrypoint without `cmd` clears
 * the base's, which was meant as the arguments of another program (Docker's builder does the same). A list or map that
 * would be empty, and the `['']` that some builders write for "none", is absent.
 * @throws SPEC_INVALID naming the field, got and want
 */
export function configure(base: ImageConfig, changes: ConfigChanges): ImageConfig {
  const unset = changes.unset ?? {}
  const run = changeRun(unsetConfig(base.config ?? {}, unset), changes)
  const author = changes.author ?? (unset.author ? undefined : base.author)
  return {
    ...without(base, [...STALE, 'author']),
    ...(author ? { author } : {}),
    config: tidy(without(run, STALE_RUN)),
  }
}

function changeRun(run: RunConfig, changes: ConfigChanges): RunConfig {
  const shell = changes.shell ?? run.Shell ?? ['/bin/sh', '-c']
  const next: { -readonly [K in keyof RunConfig]: RunConfig[K] } = { ...run }
  if (changes.env) next.Env = changeEnvironment(run.Env ?? [], changes.env)
  if (changes.expose) next.ExposedPorts = addPorts(run.ExposedPorts ?? {}, changes.expose)
  if (changes.user !== undefined) next.User = check('user', changes.user, /^[^\s:]+(:[^\s:]+)?$/, 'user or user:group')
  if (changes.workdir !== undefined) next.WorkingDir = workdirOf(run.WorkingDir ?? '/', changes.workdir)
  if (changes.entrypoint !== undefined) {
    next.Entrypoint = argvOf('entrypoint', changes.entrypoint, shell)
    if (!changes.keepCmd) delete next.Cmd
  }
  if (changes.cmd !== undefined) next.Cmd = argvOf('cmd', changes.cmd, shell)
  if (changes.labels) next.Labels = addLabels(run.Labels ?? {}, changes.labels)
  if (changes.volumes) next.Volumes = addVolumes(run.Volumes ?? {}, changes.volumes)
  if (changes.stopSignal !== undefined) {
    next.StopSignal = check(
      'stopSignal',
      changes.stopSignal,
      /^((SIG)?[A-Z][A-Z0-9]*([+-][0-9]+)?|[0-9]+)$/,
      'a signal',
    )
  }
  if (changes.healthcheck) next.Healthcheck = healthcheckOf(changes.healthcheck)
  if (changes.shell) next.Shell = argvOf('shell', changes.shell, shell)
  return next
}

function argvOf(field: string, command: readonly string[] | string, shell: readonly string[]): readonly string[] {
  const argv = typeof command === 'string' ? [...shell, command] : command
  if (command === '' || argv.some((word) => word.includes('\0'))) {
    throw new OcibakeError('SPEC_INVALID', `config.${field} is empty or holds NUL; wanted a command.`, {
      hint: `To take the base's away: unset: { ${field}: true }`,
    })
  }
  return argv
}

function addPorts(
  ports: Readonly<Record<string, JsonObject>>,
  added: readonly PortChange[],
): Record<string, JsonObject> {
  const known = new Set(Object.keys(ports).map(normalPortKey))
  const keys = added.flatMap(portKeys).filter((key) => !known.has(key))
  return { ...ports, ...Object.fromEntries(keys.map((key) => [key, {}])) }
}

function workdirOf(base: string, workdir: string): string {
  check('workdir', workdir, /^[^\0]+$/, 'a path')
  return posix.resolve('/', base, workdir)
}

function addLabels(labels: Readonly<Record<string, string>>, added: Readonly<Record<string, string>>) {
  for (const name of Object.keys(added)) check('labels', name, /^.+$/s, 'a name')
  return { ...labels, ...added }
}

function addVolumes(
  volumes: Readonly<Record<string, JsonObject>>,
  added: readonly string[],
): Record<string, JsonObject> {
  const paths = added.map((path) => check('volumes', path, /^\/[^\0]*$/, 'an absolute path'))
  return { ...volumes, ...Object.fromEntries(paths.map((path) => [path, {}])) }
}

function check(field: string, value: string | number, form: RegExp, want: string): string {
  const text = String(value)
  if (form.test(text)) return text
  const got = text.slice(0, 80).replace(/[^\x20-\x7e]/g, '?')
  throw new OcibakeError('SPEC_INVALID', `config.${field} has '${got}'; wanted ${want}.`)
}

function without<T extends object>(object: T, names: readonly string[]): T {
  return Object.fromEntries(Object.entries(object).filter(([name]) => !names.includes(name))) as T
}

/** Without empty lists and maps, and without `['']`. */
function tidy(run: RunConfig): RunConfig {
  const isNone = (value: unknown): boolean =>
    Array.isArray(value)
      ? value.every((item) => item === '')
      : typeof value === 'object' && value !== null && Object.keys(value).length === 0
  return Object.fromEntries(Object.entries(run).filter(([, value]) => !isNone(value)))
}
