import { createReadStream } from 'node:fs'
import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { createGunzip } from 'node:zlib'
import type { Sizes } from '../floor.ts'
import type { Variant } from '../variants.ts'
import type { Scenario } from './scenario.ts'

/** What a variant is made of; `layer` is the compressed size of what became of it. */
export async function sizesOf({ images, objects }: Scenario, variant: Variant, layer: number): Promise<Sizes> {
  const layout = images.get(variant.base)!
  const layers = await layersOf(layout)
  const packed = layers.map(({ size }) => size)
  const unpacked = await Promise.all(layers.map(({ path }) => unpackedSize(path)))
  const object = objects.get(variant.object)!
  return {
    base: sum(unpacked),
    basePacked: sum(packed),
    object: await unpackedSize(object),
    objectPacked: (await stat(object)).size,
    layer,
  }
}

async function layersOf(layout: string): Promise<{ path: string; size: number }[]> {
  const blob = (digest: string) => join(layout, 'blobs', digest.replace(':', '/'))
  const read = async (path: string) => JSON.parse(await readFile(path, 'utf8'))
  const index = await read(join(layout, 'index.json'))
  const manifest = await read(blob(index.manifests[0].digest))
  return manifest.layers.map(({ digest, size }: { digest: string; size: number }) => ({ path: blob(digest), size }))
}

async function unpackedSize(path: string): Promise<number> {
  let size = 0
  await pipeline(createReadStream(path), createGunzip(), async (chunks: AsyncIterable<Buffer>) => {
    for await (const chunk of chunks) size += chunk.length
  })
  return size
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((a, b) => a + b, 0)
}
