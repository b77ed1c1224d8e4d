import { createHash } from 'node:crypto'
import { createReadStream, createWriteStream } from 'node:fs'
import { mkdir, rename, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { createGzip } from 'node:zlib'
import { madeDebian, SMALL_DEBIAN } from './made-debian.ts'
import { madeOnce } from './made-once.ts'
import { tool } from './skopeo.ts'

/** The base image's own PATH, which specs refer to. */
export const BASE_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

/**
 * An OCI layout with a small Debian at the tag `base`, made once a test run by mmdebstrap and by hand: nothing of
 * ours that reads or writes layers had a part in it. It is as slim as Debian's images of that name: each test that builds
 * on it reads, writes and compares it as a whole.
 */
export function debianBase(): Promise<string> {
  return madeOnce('debian-base', async (layout) => {
    const work = join(layout, 'work')
    const blobs = join(layout, 'blobs/sha256')
    await mkdir(work, { mode: 0o700 })
    await mkdir(blobs, { recursive: true })
    const { path } = await madeDebian()
    const slim = join(work, 'slim.tar')
    await tool('bash', [join(import.meta.dirname, 'slim-debian.sh'), path, slim, join(work, 'root')])
    const { descriptor, diffId } = await gzipBlob(slim, blobs)
    const put = async (mediaType: string, document: object) => {
      const bytes = Buffer.from(JSON.stringify(document))
      const hex = createHash('sha256').update(bytes).digest('hex')
      await writeFile(join(blobs, hex), bytes)
      return { mediaType, digest: `sha256:${hex}`, size: bytes.length }
    }
    const config = await put('application/vnd.oci.image.config.v1+json', {
      created: new Date().toISOString(),
      architecture: SMALL_DEBIAN.architecture,
      os: 'linux',
      config: { Env: [`PATH=${BASE_PATH}`, 'FROM_THE_BASE=yes'], Cmd: ['bash'], Labels: { 'base.label': 'kept' } },
      rootfs: { type: 'layers', diff_ids: [diffId] },
      history: [{ created_by: 'mmdebstrap' }],
    })
    const manifest = await put('application/vnd.oci.image.manifest.v1+json', {
      schemaVersion: 2,
      mediaType: 'application/vnd.oci.image.manifest.v1+json',
      config,
      layers: [descriptor],
    })
    const annotations = { 'org.opencontainers.image.ref.name': 'base' }
    await writeFile(
      join(layout, 'index.json'),
      JSON.stringify({ schemaVersion: 2, manifests: [{ ...manifest, annotations }] }),
    )
    await writeFile(join(layout, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}')
    await rm(work, { recursive: true })
  })
}

async function gzipBlob(tar: string, blobs: string) {
  const raw = createHash('sha256')
  const packed = createHash('sha256')
  const hashing = (hash: typeof raw) =>
    async function* (chunks: AsyncIterable<Buffer>) {
      for await (const chunk of chunks) {
        hash.update(chunk)
        yield chunk
      }
    }
  const file = join(blobs, 'layer')
  await pipeline(
    createReadStream(tar, { highWaterMark: 1 << 20 }),
    hashing(raw),
    createGzip({ level: 1 }),
    hashing(packed),
    createWriteStream(file),
  )
  const hex = packed.digest('hex')
  await rename(file, join(blobs, hex))
  const { size } = await stat(join(blobs, hex))
  const descriptor = { mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip', digest: `sha256:${hex}`, size }
  return { descriptor, diffId: `sha256:${raw.digest('hex')}` }
}
