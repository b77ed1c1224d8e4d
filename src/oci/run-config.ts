import { inOrder, isJsonObject, type JsonObject, withoutAbsent } from './json.ts'
import type { JsonFields } from './json-fields.ts'

/** How a container of the image starts. */
export interface RunConfig {
  readonly User?: string
  /** `port/protocol` -> {}. */
  readonly ExposedPorts?: Readonly<Record<string, JsonObject>>
  /** `NAME=value`. */
  readonly Env?: readonly string[]
  readonly Entrypoint?: readonly string[]
  readonly Cmd?: readonly string[]
  /** Absolute path -> {}. */
  readonly Volumes?: Readonly<Record<string, JsonObject>>
  readonly WorkingDir?: string
  readonly Labels?: Readonly<Record<string, string>>
  readonly StopSignal?: string
  readonly Healthcheck?: Healthcheck
  readonly OnBuild?: readonly string[]
  readonly Shell?: readonly string[]
}

/** Docker's; times are nanoseconds, 0 means "as the base or the default has it". */
export interface Healthcheck {
  /** ['NONE'] | ['CMD', ...argv] | ['CMD-SHELL', text]. */
  readonly Test?: readonly string[]
  readonly Interval?: number
  readonly Timeout?: number
  readonly StartPeriod?: number
  readonly StartInterval?: number
  readonly Retries?: number
}

/** The `config` object of an image's config, checked field by field; unknown ones are kept. @throws CONFIG_INVALID */
export function parseRunConfig(fields: JsonFields): RunConfig {
  const healthcheck = fields.optionalObject('Healthcheck')
  return withoutAbsent({
    ...fields.object,
    User: fields.optionalText('User'),
    ExposedPorts: emptyMap(fields.optionalNames('ExposedPorts')),
    Env: fields.optionalTexts('Env'),
    Entrypoint: fields.optionalTexts('Entrypoint'),
    Cmd: fields.optionalTexts('Cmd'),
    Volumes: emptyMap(fields.optionalNames('Volumes')),
    WorkingDir: fields.optionalText('WorkingDir'),
    Labels: fields.optionalTextMap('Labels'),
    StopSignal: fields.optionalText('StopSignal'),
    Healthcheck: healthcheck && parseHealthcheck(healthcheck),
    OnBuild: fields.optionalTexts('OnBuild'),
    Shell: fields.optionalTexts('Shell'),
  })
}

function parseHealthcheck(fields: JsonFields): Healthcheck {
  return withoutAbsent({
    ...fields.object,
    Test: fields.optionalTexts('Test'),
    Interval: fields.optionalCount('Interval'),
    Timeout: fields.optionalCount('Timeout'),
    StartPeriod: fields.optionalCount('StartPeriod'),
    StartInterval: fields.optionalCount('StartInterval'),
    Retries: fields.optionalCount('Retries'),
  })
}

/** The same in an order that does not depend on who put what first: fields as Go writes them, map entries by name. */
export function orderedRunConfig(run: RunConfig): JsonObject {
  const maps = ['ExposedPorts', 'Volumes', 'Labels']
  const fields = Object.entries(run).map(([name, value]) => [
    name,
    maps.includes(name) && isJsonObject(value) ? inOrder(value, []) : value,
  ])
  return inOrder(Object.fromEntries(fields), ORDER)
}

/** The order of Go's struct in image-spec (specs-go/v1/config.go), then Docker's own. */
const ORDER = [
  'User',
  'ExposedPorts',
  'Env',
  'Entrypoint',
  'Cmd',
  'Volumes',
  'WorkingDir',
  'Labels',
  'StopSignal',
  'Healthcheck',
  'OnBuild',
  'Shell',
]

function emptyMap(names: readonly string[] | undefined): Readonly<Record<string, JsonObject>> | undefined {
  return names && Object.fromEntries(names.map((name) => [name, {}]))
}
