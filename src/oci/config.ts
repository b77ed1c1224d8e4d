import { OcibakeError } from '../errors.ts'
import { type Digest, isDigest } from './digest.ts'
import { inOrder, readJsonObject, withoutAbsent, writeJson } from './json.ts'
import { JsonFields } from './json-fields.ts'
import { orderedRunConfig, parseRunConfig, type RunConfig } from './run-config.ts'

/**
 * The config document of an image: image-spec config.md, with Docker's additions. What else a base has in it is kept
 * when the object is copied, and written again. Nothing here is ever null.
 */
export interface ImageConfig {
  /** RFC 3339. */
  readonly created?: string
  readonly author?: string
  readonly architecture: string
  readonly variant?: string
  readonly os: string
  readonly config?: RunConfig
  readonly rootfs: { readonly type: 'layers'; readonly diff_ids: readonly Digest[] }
  /** From the lowest layer to the highest; as many entries without `empty_layer` as there are diff_ids, or none. */
  readonly history?: readonly HistoryEntry[]
}

export interface HistoryEntry {
  readonly created?: string
  readonly created_by?: string
  readonly author?: string
  readonly comment?: string
  readonly empty_layer?: boolean
}

/**
 * The config that `bytes` hold. `what` names it in errors: `config sha256:…`. Unknown fields are kept.
 * @throws CONFIG_INVALID for a field of the wrong type, a rootfs that is none, or a history that disagrees with it
 */
export function parseConfig(bytes: Uint8Array, what: string): ImageConfig {
  const fields = new JsonFields(readJsonObject(bytes, what, 'CONFIG_INVALID'), what, 'CONFIG_INVALID')
  const rootfs = fields.optionalObject('rootfs') ?? fields.refuse('rootfs', "an object with 'diff_ids'")
  const config = fields.optionalObject('config')
  const history = fields.optionalObjects('history')
  const parsed = {
    ...fields.object,
    created: fields.optionalText('created'),
    author: fields.optionalText('author'),
    architecture: requiredName(fields, 'architecture'),
    variant: fields.optionalText('variant'),
    os: requiredName(fields, 'os'),
    config: config && parseRunConfig(config),
    rootfs: parseRootfs(rootfs),
    history: history?.map(parseHistoryEntry),
  }
  refuseOtherHistory(parsed.history ?? [], parsed.rootfs.diff_ids.length, what)
  return withoutAbsent(parsed)
}

/** The document: the same config gives the same bytes, whatever the order in which its fields and map entries were put. */
export function writeConfig(config: ImageConfig): Buffer {
  const run = config.config
  return writeJson(
    inOrder({ ...config, config: run && orderedRunConfig(run) }, [
      'created',
      'author',
      'architecture',
      'variant',
      'os',
      'config',
      'rootfs',
      'history',
    ]),
  )
}

/** The config of an image without layers. */
export function scratchConfig(platform: { os: string; architecture: string; variant?: string }): ImageConfig {
  const { os, architecture, variant } = platform
  return {
    architecture,
    ...(variant === undefined ? {} : { variant }),
    os,
    config: {},
    rootfs: { type: 'layers', diff_ids: [] },
  }
}

function parseRootfs(fields: JsonFields): ImageConfig['rootfs'] {
  if (fields.get('type') !== 'layers') fields.refuse('type', "'layers'")
  const diffIds = fields.optionalTexts('diff_ids') ?? []
  if (!diffIds.every(isDigest)) fields.refuse('diff_ids', "a list of 'sha256:' and 64 hex digits")
  return { type: 'layers', diff_ids: diffIds.filter(isDigest) }
}

function parseHistoryEntry(fields: JsonFields): HistoryEntry {
  return withoutAbsent({
    ...fields.object,
    created: fields.optionalText('created'),
    created_by: fields.optionalText('created_by'),
    author: fields.optionalText('author'),
    comment: fields.optionalText('comment'),
    empty_layer: fields.optionalFlag('empty_layer'),
  })
}

function refuseOtherHistory(history: readonly HistoryEntry[], layers: number, what: string): void {
  const told = history.filter((entry) => entry.empty_layer !== true).length
  if (history.length === 0 || told === layers) return
  throw new OcibakeError('CONFIG_INVALID', `${what} has a history of ${told} layers; its rootfs has ${layers}.`)
}

function requiredName(fields: JsonFields, name: string): string {
  const text = fields.text(name)
  return text === '' ? fields.refuse(name, 'a name') : text
}
