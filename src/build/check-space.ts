import { stat } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { OcibakeError } from '../errors.ts'
import type { Report } from '../events.ts'
import { freeBytes, nearestFolder } from '../oci/free-space.ts'
import type { Layer } from '../oci/layer.ts'
import { blobPath } from '../oci/layout-source.ts'
import type { Store } from '../oci/store.ts'
import { isStdout, type Transport } from '../oci/transport.ts'
import { MORE_ROOM } from '../oci/write-error.ts'
import { isScript } from '../provision/step.ts'
import { count, formatBytes } from '../report/quantities.ts'
import type { Plan } from '../spec/plan.ts'
import type { Base } from './base.ts'
import { needsBase } from './make-tree.ts'

export interface CheckSpaceOptions {
  readonly store: Store
  readonly outputs: readonly Transport[]
  readonly report: Report
}

/** What a layer of files usually is, unpacked, for each byte of its blob. */
const UNPACKED = 4
/** The same at the very least, where the disk itself compresses what it is given. */
const UNPACKED_AT_LEAST = 0.5

/**
 * Compares what is going to be written with the room on each disk: the blobs of the base, unpacked too, the new layer,
 * scripts' roots and outputs. What cannot end well is refused before anything is fetched; what may not is warned of.
 * Sizes are guessed from those of the base's blobs; nothing is known of what steps add. @throws DISK_FULL
 */
export async function checkSpace(plan: Plan, base: Base, options: CheckSpaceOptions): Promise<void> {
  // Of these, the layers would have to be made to know their sizes.
  if (plan.base.kind === 'debian' || plan.base.kind === 'scratch') return
  const layers = [...new Map((await base.layers()).map((layer) => [layer.digest, layer])).values()]
  const needs = [await storeNeed(plan, layers, options)]
  for (const output of options.outputs) needs.push(await outputNeed(output, plan, layers))
  for (const [disk, { folders, least, about }] of await byDisk(needs)) {
    const free = freeBytes(disk)
    if (free === undefined || free >= about) continue
    const needed = (bytes: number) => `${formatBytes(Math.ceil(bytes))} in ${folders.join(' and ')}`
    const there = `${formatBytes(free)} are free`
    const base = `with a base of ${count(layers.length, 'layer')}`
    if (free < least) {
      throw new OcibakeError('DISK_FULL', `${plan.file}, ${base}, needs at least ${needed(least)}; ${there}.`, {
        hint: MORE_ROOM,
      })
    }
    const message = `${plan.file}, ${base}, may need about ${needed(about)}; ${there}.`
    options.report({ type: 'warning', message, hint: MORE_ROOM })
  }
}

/** Bytes in a folder, which need not exist yet. */
interface Need {
  readonly folder: string
  readonly least: number
  readonly about: number
}

const sizeOf = (layers: readonly Layer[]) => layers.reduce((sum, { size }) => sum + size, 0)

async function storeNeed(plan: Plan, layers: readonly Layer[], { store, outputs }: CheckSpaceOptions): Promise<Need> {
  const folder = store.root
  const there = await Promise.all(layers.map(({ digest }) => store.has(digest)))
  const missing = sizeOf(layers.filter((_, i) => !there[i]))
  if (!needsBase(plan)) {
    const fetched = outputs.some(({ kind }) => kind !== 'docker') ? missing : 0
    return { folder, least: fetched, about: fetched }
  }
  const all = sizeOf(layers)
  const layer = plan.layers === 'squash' ? all : 0
  const root = plan.steps.some(({ step }) => isScript(step)) ? all * UNPACKED : 0
  return { folder, least: missing * (1 + UNPACKED_AT_LEAST), about: missing * (1 + UNPACKED) + layer + root }
}

async function outputNeed(output: Transport, { layers: mode }: Plan, layers: readonly Layer[]): Promise<Need> {
  if (output.kind === 'docker' || isStdout(output)) return { folder: '/', least: 0, about: 0 }
  const all = sizeOf(layers)
  const kept = mode === 'append' ? all : 0
  if (output.kind === 'oci') {
    const folder = resolve(output.folder)
    const missing = mode === 'append' ? sizeOf(await absentIn(folder, layers)) : 0
    return { folder, least: missing, about: mode === 'append' ? missing : all }
  }
  const folder = resolve(output.file, '..')
  if (output.kind === 'oci-archive') return { folder, least: kept, about: all }
  // A whole filesystem has nothing of what the steps remove.
  const least = output.kind === 'rootfs' ? 0 : kept * UNPACKED_AT_LEAST
  return { folder, least, about: all * UNPACKED }
}

async function absentIn(layout: string, layers: readonly Layer[]): Promise<Layer[]> {
  const there = layers.map(({ digest }) => stat(join(layout, blobPath(digest))).catch(() => undefined))
  const found = await Promise.all(there)
  return layers.filter((_, i) => found[i] === undefined)
}

interface DiskNeed {
  readonly folders: string[]
  least: number
  about: number
}

/** What is needed on each disk, by a folder on it. */
async function byDisk(needs: readonly Need[]): Promise<Map<string, DiskNeed>> {
  const disks = new Map<number, string>()
  const all = new Map<string, DiskNeed>()
  for (const { folder, least, about } of needs.filter((need) => need.about > 0)) {
    const nearest = await nearestFolder(folder)
    const { dev } = await stat(nearest)
    const disk = disks.get(dev) ?? nearest
    disks.set(dev, disk)
    const sum = all.get(disk) ?? { folders: [], least: 0, about: 0 }
    all.set(disk, sum)
    sum.folders.push(folder)
    sum.least += least
    sum.about += about
  }
  return all
}
