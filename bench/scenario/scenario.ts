import { appendFile, cp, mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Variant } from '../variants.ts'
import { baseImage, baseTar } from './base-image.ts'
import { bigImage } from './big-image.ts'
import { packages } from './packages.ts'
import { largeFile, manyFiles, memcachedObject } from './tarballs.ts'

const PROJECT = join(import.meta.dirname, '../..')

/** What the variants are made of, on disk. */
export interface Scenario {
  /** Holds rootfs/, prebuildfs/, scripts/ and debs/. */
  readonly folder: string
  /** The uncompressed tar of the Debian base. */
  readonly baseTar: string
  /** OCI layouts, tagged v1. */
  readonly images: ReadonlyMap<Variant['base'], string>
  readonly objects: ReadonlyMap<Variant['object'], string>
}

/**
 * Makes what the variants need and `folder` lacks. The sources that an image is made of are copied anew each time:
 * `changeOneFile` changes them.
 */
export async function makeScenario(folder: string, variants: readonly Variant[]): Promise<Scenario> {
  await mkdir(folder, { recursive: true })
  const tar = await baseTar(folder)
  const images = new Map<Variant['base'], string>([['debian', await baseImage(folder)]])
  if (variants.some(({ base }) => base === 'big')) images.set('big', await bigImage(folder, images.get('debian')!))
  await packages(folder, tar)
  const objects = new Map<Variant['object'], string>()
  for (const { object } of variants) {
    if (!objects.has(object)) objects.set(object, await makeObject(folder, object))
  }
  const sources = join(PROJECT, 'specs/memcached')
  for (const name of ['rootfs', 'prebuildfs']) await copied(join(sources, name), join(folder, name))
  await copied(join(import.meta.dirname, 'scripts'), join(folder, 'scripts'))
  return { folder, baseTar: tar, images, objects }
}

/** Adds a line to one small source file, which no build before has seen. */
export async function changeOneFile({ folder }: Scenario): Promise<void> {
  const file = join(folder, 'prebuildfs/opt/coredge/scripts/lib/version.sh')
  await appendFile(file, `# changed ${process.pid} ${process.hrtime.bigint()}\n`)
}

async function makeObject(folder: string, object: Variant['object']): Promise<string> {
  switch (object) {
    case 'memcached':
      return await memcachedObject(folder)
    case 'many':
      return await manyFiles(join(folder, 'objects/many.tar.gz'), 50_000)
    case 'large':
      return await largeFile(join(folder, 'objects/large.tar.gz'))
  }
}

async function copied(from: string, to: string): Promise<void> {
  await rm(to, { recursive: true, force: true })
  await cp(from, to, { recursive: true })
}
