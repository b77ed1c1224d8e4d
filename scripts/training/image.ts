import { createHash } from 'node:crypto'
import { gzipSync } from 'node:zlib'
import { digestOf } from '../../src/oci/digest.ts'
import { type Member, tarArchive } from '../../test/support/tar-archive.ts'

/** An image's parts, as a registry has them. */
export interface TrainingImage {
  readonly blobs: readonly Buffer[]
  readonly manifest: Buffer
  readonly mediaType: string
}

const FOLDERS = 40
const FILES = 20

/**
 * An image of one gzip layer of 4 MB and 900 members, of the kinds that a distribution's have: large enough to be unpacked
 * by a thread, and to have blocks that are copied.
 */
export function trainingImage(): TrainingImage {
  const tar = tarArchive([...rootMembers(), ...packageMembers()])
  const layer = gzipSync(tar)
  const config = json({
    architecture: process.arch === 'x64' ? 'amd64' : process.arch,
    os: 'linux',
    created: '2024-01-01T00:00:00Z',
    config: { Env: ['PATH=/usr/local/bin:/usr/bin:/bin'], Cmd: ['sh'] },
    rootfs: { type: 'layers', diff_ids: [digestOf(tar)] },
    history: [{ created: '2024-01-01T00:00:00Z', created_by: 'ocibake' }],
  })
  const mediaType = 'application/vnd.oci.image.manifest.v1+json'
  const descriptor = (type: string, bytes: Buffer) => ({
    mediaType: `application/vnd.oci.image.${type}`,
    digest: digestOf(bytes),
    size: bytes.length,
  })
  const manifest = json({
    schemaVersion: 2,
    mediaType,
    config: descriptor('config.v1+json', config),
    layers: [descriptor('layer.v1.tar+gzip', layer)],
  })
  return { blobs: [layer, config], manifest, mediaType }
}

function rootMembers(): Member[] {
  const folder = (name: string): Member => ({ name: `${name}/`, type: 'directory', mode: 0o755 })
  return [
    { name: 'bin', type: 'symlink', target: 'usr/bin' },
    folder('etc'),
    { name: 'etc/passwd', content: 'root:x:0:0:root:/root:/bin/sh\nwww-data:x:33:33::/var/www:/bin/false\n' },
    { name: 'etc/group', content: 'root:x:0:\nwww-data:x:33:\n' },
    folder('opt'),
    folder('tmp'),
    folder('usr'),
    folder('usr/bin'),
    { name: 'usr/bin/sh', content: noise('sh', 300_000), mode: 0o755 },
    { name: 'usr/bin/dash', type: 'link', target: 'usr/bin/sh', mode: 0o755 },
    folder('usr/share'),
  ]
}

function packageMembers(): Member[] {
  return Array.from({ length: FOLDERS }, (_, i): Member[] => {
    const folder = `usr/share/package-${i}`
    const files = Array.from({ length: FILES }, (_, k): Member => {
      const content = k % 4 === 0 ? noise(`${i} ${k}`, 12_000) : `${folder} ${k}\n`.repeat(40 * (1 + k))
      return { name: `${folder}/file-${k}`, content, uid: k % 5 === 0 ? 33 : 0 }
    })
    return [{ name: `${folder}/`, type: 'directory', mode: 0o755 }, ...files]
  }).flat()
}

/** The same bytes for the same seed, which do not compress. */
export function noise(seed: string, size: number): Buffer {
  return createHash('shake256', { outputLength: size }).update(seed).digest()
}

const json = (value: unknown) => Buffer.from(JSON.stringify(value))
