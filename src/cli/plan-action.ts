import { lstatSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { isDebianBaseCached } from '../build/debian-base.ts'
import { copiesBlocks } from '../build/layer-sources.ts'
import { openBase } from '../build/open-base.ts'
import { messageOf } from '../errors.ts'
import { silent } from '../events.ts'
import { formatPlatform } from '../oci/platform.ts'
import { formatReference } from '../oci/reference.ts'
import type { AnsibleStep } from '../provision/ansible-step.ts'
import { isArchiveCached } from '../provision/archive.ts'
import { NORMALISERS, type NormaliserName } from '../provision/normalisers.ts'
import { s3ObjectSize } from '../provision/s3.ts'
import type { Step, UnpackStep } from '../provision/step.ts'
import { count, formatBytes } from '../report/quantities.ts'
import type { Plan } from '../spec/plan.ts'
import type { SessionOptions, SpecOptions } from './options.ts'
import { plansOf } from './plans-of.ts'
import { openSession, type Session } from './session.ts'
import type { Surroundings } from './surroundings.ts'

/** Prints what a build would do. Only the base's manifest and config are fetched for it. */
export async function planAction(
  file: string,
  options: SpecOptions & SessionOptions,
  around: Surroundings,
): Promise<void> {
  const { builds, warnings } = await plansOf(file, options, around)
  for (const { message, hint } of warnings) around.stderr.write(`warning: ${message}\n  -> ${hint}\n`)
  await using session = await openSession(options, around, silent)
  for (const plan of builds.flat()) await printPlan(plan, session, around)
}

async function printPlan(plan: Plan, session: Session, around: Surroundings): Promise<void> {
  const lines = [
    `${plan.file}: ${plan.name}, ${formatPlatform(plan.platform)}`,
    ...(await baseLines(plan, session, around)),
    ...(await stepLines(plan, session, around.signal)),
    ...normaliserLines(plan),
    `layer   ${plan.layers === 'squash' ? 'one for the whole image' : 'one over the base'}, ${plan.compression}`,
    ...(plan.tags.length === 0 ? ['tags    none'] : plan.tags.map((tag) => `tag     ${formatReference(tag)}`)),
  ]
  around.stdout(`${lines.join('\n')}\n`)
}

async function stepLines(plan: Plan, session: Session, signal: AbortSignal): Promise<string[]> {
  const lines = plan.steps.map(async ({ number, verb, title, step }) => [
    `step ${number}  ${verb} ${shortened(title)}`,
    ...(await detailsOf(step, { ...session, signal, blocks: copiesBlocks(plan) })).map((detail) => `        ${detail}`),
  ])
  return (await Promise.all(lines)).flat()
}

async function baseLines(plan: Plan, { store, connection }: Session, { env, signal }: Surroundings): Promise<string[]> {
  // Opening a Debian base would make it.
  if (plan.base.kind === 'debian') {
    const cached = await isDebianBaseCached({ debian: plan.base.debian, platform: plan.platform, store, signal })
    return [`base    debian ${plan.base.debian.debian}${cached ? ', cached' : ', to be made by mmdebstrap'}`]
  }
  const base = await openBase(plan.base, { platform: plan.platform, store, connection, env, report: silent, signal })
  try {
    const layers = await Promise.all(
      (await base.layers()).map(async (layer) => ({ ...layer, cached: await store.has(layer.digest) })),
    )
    const missing = layers.filter(({ cached }) => !cached)
    const bytes = missing.reduce((sum, { size }) => sum + size, 0)
    const pull = !plan.readBase
      ? 'not read'
      : missing.length === 0
        ? 'all in the cache'
        : `to pull: ${count(missing.length, 'layer')}, ${formatBytes(bytes)}`
    return [
      `base    ${[base.name, base.digest].filter(Boolean).join(' ')} (${count(layers.length, 'layer')}; ${pull})`,
      ...layers.map(({ digest, size, cached }) => `        ${digest} ${formatBytes(size)}${cached ? ' cached' : ''}`),
    ]
  } finally {
    await base.close()
  }
}

interface Looking extends Pick<Session, 'store' | 'connection'> {
  /** See ArchiveTools. */
  readonly blocks: boolean
  readonly signal: AbortSignal
}

async function detailsOf(step: Step, looking: Looking): Promise<string[]> {
  if ('copy' in step) return [localSize(step.copy)]
  if ('unpack' in step) return [await sourceOf(step, looking), selectionOf(step)].filter((line) => line !== '')
  if ('ansible' in step) return playDetails(step)
  if (!('run' in step)) return []
  const lines = typeof step.run === 'string' ? step.run.trim().split('\n') : step.run
  return [...(lines.length > 1 ? lines : []), ...(step.secrets ?? []).map(({ id }) => `secret ${id}`)]
}

function playDetails({ groups = [], hostAlias = 'default', secrets = [], cache }: AnsibleStep): string[] {
  return [
    [`the image is '${hostAlias}'`, ...(groups.length === 0 ? [] : [`in ${groups.join(' ')}`])].join(' '),
    ...(cache === false ? ['performed in every build'] : []),
    ...secrets.map(({ id }) => `secret ${id}`),
  ]
}

/** What would be fetched. A source that is not there yet is no reason not to show the rest of the plan. */
async function sourceOf(step: UnpackStep, { store, connection, blocks, signal }: Looking): Promise<string> {
  const { unpack, sha256, versionId } = step
  if (!unpack.includes('://')) return localSize(unpack)
  if (sha256 !== undefined && (await isArchiveCached(store, sha256, blocks))) return `sha256 ${sha256}, cached`
  const pin = sha256 === undefined ? 'not pinned by sha256' : `sha256 ${sha256}`
  if (!unpack.startsWith('s3://')) return `to fetch, ${pin}`
  try {
    return `to fetch: ${formatBytes(await s3ObjectSize(unpack, versionId, connection.network, signal))}, ${pin}`
  } catch (error) {
    return `cannot be fetched now: ${messageOf(error)}`
  }
}

function selectionOf({ stripComponents, wildcards, exclude }: UnpackStep): string {
  return [
    ...(stripComponents === undefined ? [] : [`strip ${count(stripComponents, 'component')}`]),
    ...(wildcards === undefined ? [] : [`only ${wildcards.join(' ')}`]),
    ...(exclude === undefined ? [] : [`not ${exclude.join(' ')}`]),
  ].join(', ')
}

/** Before exclusions, which are decided while the files are read. */
function localSize(path: string): string {
  try {
    const { files, bytes } = measure(path)
    return `${count(files, 'file')}, ${formatBytes(bytes)}`
  } catch {
    return 'does not exist (yet)'
  }
}

function measure(path: string): { files: number; bytes: number } {
  const top = statSync(path)
  if (!top.isDirectory()) return { files: 1, bytes: top.size }
  let [files, bytes] = [0, 0]
  for (const entry of readdirSync(path, { withFileTypes: true })) {
    const inside = join(path, entry.name)
    const one = entry.isDirectory() ? measure(inside) : { files: 1, bytes: lstatSync(inside).size }
    files += one.files
    bytes += one.bytes
  }
  return { files, bytes }
}

function normaliserLines(plan: Plan): string[] {
  return Object.entries(NORMALISERS).map(([name, { what }]) => {
    const off = plan.normalise[name as NormaliserName] === false
    return `normal  ${name}: ${off ? 'turned off' : what}`
  })
}

/** Long scripts are told line by line below. */
function shortened(title: string): string {
  const [first] = title.trim().split(/\n|; /)
  return first === title ? title : `${first} …`
}
