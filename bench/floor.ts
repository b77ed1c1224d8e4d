import type { Start, Variant } from './variants.ts'

/** MB/s, of one core or of the registry; `nodeStart` is seconds. */
export interface Limits {
  readonly sha256: number
  readonly inflate: number
  readonly deflate: number
  readonly unpack: number
  readonly upload: number
  readonly download: number
  readonly nodeStart: number
}

/** Bytes: of what a variant is made of, packed and not, and of the layer that it becomes. */
export interface Sizes {
  readonly base: number
  readonly basePacked: number
  readonly object: number
  readonly objectPacked: number
  readonly layer: number
}

/**
 * Seconds below which nobody comes: what every builder of a reproducible layer has to do, at the rates of this machine,
 * with nothing between and all cores busy. What a script itself does is not in it.
 *
 * cold: fetch, verify and inflate the base and the tarball, put them on the disk for a script, hash the new layer's tar
 * (its diff_id), deflate small files whose names are new, hash that, send it. warm: all but hashing the tar and the blob, and sending, is known from
 * the build before. nothing: Node starts. An appended layer is the tarball's alone.
 */
export function floorOf(
  { layers, script, object }: Variant,
  start: Start,
  sizes: Sizes,
  limits: Limits,
  cores: number,
): number {
  if (start === 'nothing') return limits.nodeStart
  const seconds = (bytes: number, rate: number) => bytes / 1e6 / rate
  const appends = layers === 'append'
  const tar = sizes.object + (appends ? 0 : sizes.base)
  const hashTar = seconds(tar, limits.sha256)
  const blob = appends ? sizes.objectPacked : sizes.layer
  const send = seconds(blob, limits.upload)
  let work = hashTar + seconds(blob, limits.sha256) + send
  if (start !== 'warm') {
    const fetched = sizes.objectPacked + (appends ? 0 : sizes.basePacked)
    // The base's own diff_id is verified too.
    const verified = fetched + (appends ? 0 : sizes.base)
    work += seconds(fetched, limits.download) + seconds(verified, limits.sha256)
    work += seconds(tar, limits.inflate)
    // What is longer than a few deflate blocks, with its header or without, can be copied as it came.
    work += object === 'many' ? seconds(sizes.object, limits.deflate) : 0
    work += script === undefined ? 0 : seconds(tar, limits.unpack)
  }
  // One hash is one thread's, and so is one upload.
  return limits.nodeStart + Math.max(work / cores, hashTar, send)
}
