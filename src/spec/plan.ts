import { isAbsolute, resolve } from 'node:path'
import { OcibakeError } from '../errors.ts'
import { nanoseconds } from '../oci/duration.ts'
import { type Platform, parsePlatform } from '../oci/platform.ts'
import { parseReference, type Reference } from '../oci/reference.ts'
import { hasTransport, parseTransport, type Transport } from '../oci/transport.ts'
import type { AnsibleStep } from '../provision/ansible-step.ts'
import type { SecretSource } from '../provision/secret-source.ts'
import type { Step } from '../provision/step.ts'
import type { LoadedSpec } from './load.ts'
import { platformsOf } from './platforms.ts'
import type { AllowedSecret, DebianBase, Spec } from './spec.ts'

/** A spec with nothing left to decide: paths absolute, defaults filled in. */
export interface Plan {
  readonly name: string
  readonly file: string
  /** Absolute: that of the spec file. */
  readonly folder: string
  readonly base: PlannedBase
  readonly platform: Platform
  readonly steps: readonly PlannedStep[]
  readonly layers: 'squash' | 'append'
  readonly readBase: boolean
  readonly compression: 'gzip' | 'zstd' | 'none'
  readonly recompress: boolean
  readonly mediaTypes: 'oci' | 'docker'
  /** Seconds since 1970 UTC; undefined: the newest input. */
  readonly created: number | undefined
  readonly config: NonNullable<Spec['config']>
  readonly annotations: Readonly<Record<string, string>>
  readonly tags: readonly Reference[]
  readonly normalise: NonNullable<Spec['normalise']>
  readonly allowSecrets: readonly AllowedSecret[]
}

/** Paths are absolute. */
export type PlannedBase =
  | { readonly kind: 'scratch' }
  | { readonly kind: 'debian'; readonly debian: DebianBase }
  | Exclude<Transport, { readonly kind: 'rootfs' }>

export interface PlannedStep {
  /** Counted from 1. */
  readonly number: number
  readonly verb: string
  /** One line, as the user wrote it: for the log and the image's history. Holds no path of this machine. */
  readonly title: string
  readonly step: Step
}

export interface PlanOptions {
  /** Default: what the spec was loaded for. */
  readonly platform?: string | undefined
  /** More tags than the spec has. */
  readonly tags?: readonly string[]
  readonly env: Readonly<Record<string, string | undefined>>
}

/** @throws SPEC_INVALID, REFERENCE_INVALID, USAGE for a SOURCE_DATE_EPOCH that is no number and for several platforms */
export function makePlan(loaded: LoadedSpec, options: PlanOptions): Plan {
  const { spec, folder } = loaded
  return {
    name: loaded.name,
    file: loaded.file,
    folder,
    base: planBase(spec.from, folder),
    platform: platformOf(loaded, options.platform),
    steps: (spec.steps ?? []).map((step, index) => planStep(step, index + 1, folder)),
    layers: spec.layers ?? 'squash',
    readBase: spec.readBase ?? true,
    compression: spec.compression ?? 'gzip',
    recompress: spec.recompress ?? false,
    mediaTypes: spec.mediaTypes ?? 'oci',
    created: createdOf(spec, options.env),
    config: spec.config ?? {},
    annotations: spec.annotations ?? {},
    tags: [...(spec.tags ?? []), ...(options.tags ?? [])].map(parseReference),
    normalise: spec.normalise ?? {},
    allowSecrets: (spec.allowSecrets ?? []).map((allowed) =>
      typeof allowed === 'string' ? { path: allowed } : allowed,
    ),
  }
}

function platformOf({ spec, file, platform }: LoadedSpec, wished: string | undefined): Platform {
  if (wished !== undefined) return parsePlatform(wished)
  const [only, ...others] = platform === undefined ? platformsOf(spec) : [platform]
  if (others.length === 0) return only!
  throw new OcibakeError('USAGE', `${file} is for several platforms; wanted one, as \`loadSpecs\` gives it.`)
}

/** Where the text of `from` leads; relative paths start at `folder`. */
export function planBase(from: Spec['from'], folder: string): PlannedBase {
  if (typeof from !== 'string') return { kind: 'debian', debian: from }
  if (from === 'scratch') return { kind: 'scratch' }
  if (!hasTransport(from)) return { kind: 'docker', reference: parseReference(from) }
  const transport = parseTransport(from)
  switch (transport.kind) {
    case 'docker':
      return transport
    case 'oci':
      return { ...transport, folder: resolve(folder, transport.folder) }
    case 'rootfs':
      throw new OcibakeError('SPEC_INVALID', '`from` is a rootfs: archive, which has no config to build on.', {
        hint: "Write from: 'scratch' and unpack the archive in the first step.",
      })
    default:
      return { ...transport, file: resolve(folder, transport.file) }
  }
}

function planStep(step: Step, number: number, folder: string): PlannedStep {
  const verb = Object.keys(step)[0]!
  return { number, verb, title: titleOf(step), step: located(step, folder) }
}

function located(step: Step, folder: string): Step {
  if ('copy' in step) return { ...step, copy: resolve(folder, step.copy) }
  if ('unpack' in step) return isUrl(step.unpack) ? step : { ...step, unpack: resolve(folder, step.unpack) }
  if ('run' in step) return { ...step, ...commonlyLocated(step, folder) }
  return 'ansible' in step ? { ...step, ...commonlyLocated(step, folder), ...playLocated(step, folder) } : step
}

/** What steps have that run programs. */
function commonlyLocated<S extends SecretSource>(
  { secrets, timeout }: { readonly secrets?: readonly S[]; readonly timeout?: number | string },
  folder: string,
) {
  const located = secrets?.map((secret) =>
    secret.source.startsWith('file:')
      ? { ...secret, source: `file:${resolve(folder, secret.source.slice('file:'.length))}` }
      : secret,
  )
  return {
    ...(timeout === undefined ? {} : { timeout: nanoseconds(timeout, 'timeout') / 1e9 }),
    ...(located === undefined ? {} : { secrets: located }),
  }
}

function playLocated(step: AnsibleStep, folder: string) {
  const { ansible, rolesPath, collectionsPath, galaxy, inventoryDirectory } = step
  const all = (paths: string | readonly string[]) => [paths].flat().map((path) => resolve(folder, path))
  return {
    ansible: all(ansible),
    ...(rolesPath === undefined ? {} : { rolesPath: all(rolesPath) }),
    ...(collectionsPath === undefined ? {} : { collectionsPath: all(collectionsPath) }),
    ...(galaxy === undefined ? {} : { galaxy: resolve(folder, galaxy) }),
    ...(inventoryDirectory === undefined ? {} : { inventoryDirectory: resolve(folder, inventoryDirectory) }),
  }
}

const isUrl = (text: string) => /^[a-z][a-z0-9+.-]*:\/\//i.test(text)

function titleOf(step: Step): string {
  if ('copy' in step) return `${shown(step.copy)} -> ${step.to}`
  if ('unpack' in step) return `${shown(step.unpack)} -> ${step.to}`
  if ('write' in step) return step.write
  if ('remove' in step) return several(step.remove)
  if ('own' in step) return `${several(step.own)} by ${step.by}`
  if ('chmod' in step) return `${several(step.chmod)} ${step.mode}`
  if ('link' in step) return `${step.link} -> ${step.target}`
  if ('ansible' in step) return [step.ansible].flat().map(shown).join(' ')
  return typeof step.run === 'string' ? step.run : step.run.join('; ')
}

const several = (paths: string | readonly string[]) => (typeof paths === 'string' ? paths : paths.join(' '))

/** Absolute host paths and what a URL may carry beside its path (user, query) stay out of logs and history. */
function shown(source: string): string {
  if (isUrl(source)) return source.replace(/^([a-z][a-z0-9+.-]*:\/\/)[^/@]*@/i, '$1').replace(/[?#].*$/s, '')
  return isAbsolute(source) ? source.replace(/^.*\/(?=[^/]+\/?$)/s, '') : source
}

function createdOf(spec: Spec, env: PlanOptions['env']): number | undefined {
  const epoch = env.SOURCE_DATE_EPOCH
  if (epoch !== undefined && epoch !== '') {
    if (/^\d{1,12}$/.test(epoch)) return Number(epoch)
    throw new OcibakeError('USAGE', `SOURCE_DATE_EPOCH is '${epoch}'; wanted seconds since 1970, a whole number.`, {
      hint: 'For example: SOURCE_DATE_EPOCH=$(git log -1 --format=%ct)',
    })
  }
  return spec.created === undefined ? undefined : Math.floor(Date.parse(spec.created) / 1000)
}
