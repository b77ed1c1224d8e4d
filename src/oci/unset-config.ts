import { variableName } from './environment.ts'
import type { JsonObject } from './json.ts'
import { normalPortKey, type PortChange, portKeys } from './ports.ts'
import type { RunConfig } from './run-config.ts'

/** What a spec takes away from its base. What the base does not have is no mistake. */
export interface ConfigUnset {
  readonly env?: readonly string[]
  readonly expose?: readonly PortChange[]
  readonly labels?: readonly string[]
  readonly volumes?: readonly string[]
  readonly entrypoint?: true
  readonly cmd?: true
  readonly user?: true
  readonly workdir?: true
  readonly stopSignal?: true
  readonly healthcheck?: true
  readonly onbuild?: true
  readonly shell?: true
  readonly author?: true
}

const FIELDS = {
  entrypoint: 'Entrypoint',
  cmd: 'Cmd',
  user: 'User',
  workdir: 'WorkingDir',
  stopSignal: 'StopSignal',
  healthcheck: 'Healthcheck',
  onbuild: 'OnBuild',
  shell: 'Shell',
} as const

/** The config without what is to be unset; `author` is not in it. @throws SPEC_INVALID for a port that is none */
export function unsetConfig(run: RunConfig, unset: ConfigUnset): RunConfig {
  const left: { -readonly [K in keyof RunConfig]: RunConfig[K] } = { ...run }
  for (const name of Object.keys(FIELDS) as (keyof typeof FIELDS)[]) {
    if (unset[name]) delete left[FIELDS[name]]
  }
  const ports = new Set((unset.expose ?? []).flatMap(portKeys))
  if (run.Env) left.Env = run.Env.filter((pair) => !unset.env?.includes(variableName(pair)))
  if (run.ExposedPorts) left.ExposedPorts = keep(run.ExposedPorts, (key) => !ports.has(normalPortKey(key)))
  if (run.Volumes) left.Volumes = keep(run.Volumes, (path) => !unset.volumes?.includes(path))
  if (run.Labels) left.Labels = keep(run.Labels, (name) => !unset.labels?.includes(name))
  return left
}

function keep<T extends string | JsonObject>(
  map: Readonly<Record<string, T>>,
  wanted: (key: string) => boolean,
): Record<string, T> {
  return Object.fromEntries(Object.entries(map).filter(([key]) => wanted(key)))
}
