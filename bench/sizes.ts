import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { CLI } from './builders/ocibake.ts'
import { measure } from './measure.ts'
import { hugeFiles, manyFiles } from './scenario/tarballs.ts'
import type { Services } from './services.ts'
import { refuseLittleRoom } from './state-folder.ts'
import { table } from './table.ts'

const SPEC = join(import.meta.dirname, 'scenario/tarball.spec.ts')
const COUNTS = [50_000, 100_000, 250_000, 500_000]

export interface SizesOptions {
  /** Tarballs are made there once, and stay. */
  readonly objects: string
  readonly work: string
  readonly services: Services
  readonly signal: AbortSignal
}

/** The peak of a build of one layer of so many gigabytes, cold. */
export async function hugeLayer(gigabytes: number, options: SizesOptions): Promise<string> {
  // Tarball, store and registry.
  await refuseLittleRoom(options.objects, 3 * gigabytes * 1e9, `A layer of ${gigabytes} GB`)
  const archive = await hugeFiles(join(options.objects, `huge-${gigabytes}.tar.gz`), gigabytes)
  const row = await built(`${gigabytes} GB`, archive, options)
  return table(['layer', 'seconds', 'cpu s', 'MiB', 'load'], [row])
}

/** Time and memory of builds of more and more files, cold. */
export async function moreAndMoreFiles(options: SizesOptions): Promise<string> {
  const rows: string[][] = []
  for (const count of COUNTS) {
    const archive = await manyFiles(join(options.objects, `files-${count}.tar.gz`), count)
    const row = await built(String(count), archive, options)
    rows.push([...row, ((Number(row[2]) * 1e6) / count).toFixed(0)])
  }
  return table(['files', 'seconds', 'cpu s', 'MiB', 'load', 'CPU microseconds a file'], rows)
}

async function built(name: string, archive: string, { work, services, signal }: SizesOptions): Promise<string[]> {
  const store = join(work, 'sizes')
  await rm(store, { recursive: true, force: true })
  await services.reset()
  const vars = ['--var', `archive=${archive}`, '--var', `out=${services.registry}/bench/sizes:v1`]
  const argv = [...CLI, 'build', SPEC, '--push', '--cache-dir', store, ...vars]
  const { seconds, cpuSeconds, peakMiB, load } = await measure({ argv, env: {} }, work, signal)
  await rm(store, { recursive: true, force: true })
  await services.reset()
  console.error(`bench: ${name}: ${seconds.toFixed(2)} s, ${peakMiB.toFixed(0)} MiB`)
  return [name, seconds.toFixed(2), cpuSeconds.toFixed(2), peakMiB.toFixed(0), load.toFixed(1)]
}
