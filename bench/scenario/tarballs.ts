import { createWriteStream } from 'node:fs'
import { copyFile, mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { createGzip } from 'node:zlib'
import { type Pack, pack } from 'tar-stream'
import { memcachedTarball } from '../../scripts/demo/memcached-tarball.ts'
import { made } from './made.ts'
import { Noise } from './noise.ts'

const DATE = new Date('2023-07-22T04:26:40Z')

/** Of TOP/files/memcached/… everything belongs into the image, of what lies beside it nothing. */
export async function memcachedObject(folder: string): Promise<string> {
  return await made(join(folder, 'objects/memcached.tar.gz'), "a tarball of Debian's memcached", async (part) => {
    const work = join(folder, 'memcached-work')
    await mkdir(work, { recursive: true })
    await copyFile((await memcachedTarball(work)).path, part)
    await rm(work, { recursive: true })
  })
}

/** Files of 0.2 to 4 kB of words, a hundred in a folder, at `many/files/many/dNNN/module-NN.js`. */
export async function manyFiles(path: string, count: number): Promise<string> {
  return await made(path, `a tarball of ${count} files`, async (part) => {
    const noise = new Noise(1)
    await gzippedTar(part, async (tar) => {
      for (let at = 0; at < count; at++) {
        const folder = String(Math.floor(at / 100)).padStart(3, '0')
        const name = `many/files/many/d${folder}/module-${String(at % 100).padStart(2, '0')}.js`
        await addFile(tar, name, [noise.words(200 + noise.below(3800))])
      }
    })
  })
}

/** One file of 1 GiB, half of it noise, at `large/files/large/data.bin`. */
export async function largeFile(path: string): Promise<string> {
  return await made(path, 'a tarball of one file of 1 GiB', async (part) => {
    const noise = new Noise(2)
    const half = 1 << 19
    const words = noise.words(1 << 24)
    const chunks = function* () {
      for (let at = 0; at < 1024; at++) {
        yield noise.bytes(half)
        const from = noise.below(words.length - half)
        yield words.subarray(from, from + half)
      }
    }
    await gzippedTar(part, (tar) => addFile(tar, 'large/files/large/data.bin', chunks(), half * 2048))
  })
}

/** Ten files of `gigabytes / 10` GB each; the same 16 KiB of words again and again: gzip sees 32 KiB, and is fast. */
export async function hugeFiles(path: string, gigabytes: number): Promise<string> {
  return await made(path, `a tarball of ${gigabytes} GB`, async (part) => {
    const words = new Noise(3).words(1 << 14)
    const megabyte = Buffer.concat(Array.from({ length: 64 }, () => words))
    const times = Math.round((gigabytes * 1e9) / 10 / megabyte.length)
    const chunks = function* () {
      for (let at = 0; at < times; at++) yield megabyte
    }
    await gzippedTar(part, async (tar) => {
      for (let at = 0; at < 10; at++) await addFile(tar, `huge/part-${at}.bin`, chunks(), times * megabyte.length)
    })
  })
}

async function gzippedTar(path: string, fill: (tar: Pack) => Promise<void>): Promise<void> {
  const tar = pack()
  const written = pipeline(tar, createGzip({ level: 6 }), createWriteStream(path))
  await Promise.all([written, fill(tar).then(() => tar.finalize())])
}

async function addFile(tar: Pack, name: string, chunks: Iterable<Buffer>, size?: number): Promise<void> {
  const all = size === undefined ? [...chunks] : chunks
  const bytes = size ?? (all as Buffer[]).reduce((sum, { length }) => sum + length, 0)
  const header = { name, size: bytes, mode: 0o644, uid: 1001, gid: 1001, mtime: DATE }
  await new Promise<void>((resolve, reject) => {
    const entry = tar.entry(header, (error) => (error == null ? resolve() : reject(error)))
    pipeline(all, entry).catch(reject)
  })
}
