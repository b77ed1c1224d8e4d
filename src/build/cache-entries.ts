import type { Digest } from '../oci/digest.ts'
import type { JsonFields } from '../oci/json-fields.ts'
import { layerType } from '../oci/layer-type.ts'
import type { Descriptor } from '../oci/source.ts'
import type { Plan } from '../spec/plan.ts'
import type { CacheEntry, CacheRepo } from './cache-repo.ts'
import type { LayerRecord, StepRecord } from './step-record.ts'
import type { Warning } from './warnings.ts'

/** The last second that a time in RFC 3339 can say. */
const LAST_SECOND = 253_402_300_799
/** More than a usual step warns of: what has more is made by each machine itself. */
const MOST_WARNINGS = 100

/** A script's result that another machine has left in the repository. */
export interface StepEntry {
  readonly record: StepRecord
  /** Of its delta. */
  readonly blob: Descriptor
}

/** undefined when the repository has nothing of use under this key. @throws the signal's reason */
export function findStepEntry(repo: CacheRepo, key: Digest, signal: AbortSignal): Promise<StepEntry | undefined> {
  return understood(repo, 'step', key, signal, ({ record, blobs }) => {
    const { title, warnings } = saidIn(record)
    const started = secondsIn(record, 'started')
    const blob = blobs[0] ?? record.refuse('diffId', 'a result with a blob')
    return { record: { kind: 'step', title, diffId: record.digest('diffId'), started, warnings }, blob }
  })
}

/** As `findStepEntry`, for a finished layer, which has to be such a one as the plan makes. */
export function findLayerEntry(
  repo: CacheRepo,
  key: Digest,
  plan: Plan,
  signal: AbortSignal,
): Promise<LayerRecord | undefined> {
  return understood(repo, 'layer', key, signal, ({ record, blobs }) => {
    const { title, warnings } = saidIn(record)
    const fields = record.optionalObject('layer')
    const layer = fields && {
      mediaType: layerType(plan.mediaTypes, plan.compression),
      digest: fields.digest('digest'),
      size: fields.size('size'),
      diffId: fields.digest('diffId'),
    }
    const isThere = blobs.some(({ digest, size }) => digest === layer?.digest && size === layer.size)
    if (layer !== undefined && !isThere) record.refuse('layer', 'a layer that is kept with its record')
    if (layer === undefined && plan.layers === 'squash') record.refuse('layer', 'a layer')
    const created = secondsIn(record, 'created')
    const searchedFor = record.optionalText('searchedFor') ?? ''
    return { kind: 'layer', title, layer: layer ?? null, created, warnings, searchedFor }
  })
}

/** Whether others would take this record from the repository. */
export function isTaken({ warnings }: StepRecord | LayerRecord): boolean {
  return warnings.length <= MOST_WARNINGS
}

async function understood<Understood>(
  repo: CacheRepo,
  kind: 'step' | 'layer',
  key: Digest,
  signal: AbortSignal,
  read: (entry: CacheEntry) => Understood,
): Promise<Understood | undefined> {
  const entry = await repo.find(kind, key, signal)
  try {
    return entry && read(entry)
  } catch (error) {
    repo.refuse(kind, key, error, signal)
    return undefined
  }
}

function saidIn(record: JsonFields): { readonly title: string; readonly warnings: readonly Warning[] } {
  const warnings = record.optionalObjects('warnings') ?? []
  if (warnings.length > MOST_WARNINGS) record.refuse('warnings', `at most ${MOST_WARNINGS}`)
  return {
    title: inPlain(record.text('title'))!,
    warnings: warnings.map((warning) => {
      const hint = inPlain(warning.optionalText('hint'))
      return { message: inPlain(warning.text('message'))!, ...(hint === undefined ? {} : { hint }) }
    }),
  }
}

function secondsIn(record: JsonFields, name: string): number {
  const seconds = record.size(name)
  return seconds <= LAST_SECOND ? seconds : record.refuse(name, 'seconds since 1970')
}

/** Nothing that a terminal would take for more than text. */
function inPlain(text: string | undefined): string | undefined {
  return text?.replace(/[\p{Cc}\p{Cf}\u2028\u2029]+/gu, ' ')
}
