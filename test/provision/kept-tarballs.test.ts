import { randomBytes } from 'node:crypto'
import { copyFile, mkdtemp, readdir, readFile, rm, stat, unlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { constants, gzipSync, zstdCompressSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { silent } from '../../src/events.ts'
import { digestOf, hexOf } from '../../src/oci/digest.ts'
import { GzipReader } from '../../src/oci/gzip-reader.ts'
import type { Store } from '../../src/oci/store.ts'
import { pruneStore } from '../../src/oci/store-prune.ts'
import { type Archive, fetchArchive } from '../../src/provision/archive.ts'
import type { FetchOptions } from '../../src/provision/start-fetch.ts'
import { testFolder } from '../support/folder.ts'
import { type Script, startScriptedServer } from '../support/scripted-server.ts'
import { testStore } from '../support/store.ts'
import { tarArchive } from '../support/tar-archive.ts'

const PATIENCE = { attempts: 2, backoff: 1, longestWait: 10, idle: 5000 }
const { signal } = new AbortController()
/** Hex digits, of which a little more than half is left. */
const tarOf = (bytes: number) => tarArchive([{ name: 'file', content: randomBytes(bytes).toString('hex') }])
const raw = tarOf(9_000_000)
const fast = { strategy: constants.Z_HUFFMAN_ONLY }
const large = gzipSync(raw, fast)
const small = gzipSync(tarOf(500_000), fast)
const sha256Of = (bytes: Buffer) => hexOf(digestOf(bytes))
const workers = async () => (await readdir('/proc/self/task')).length

let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ocibake-tarballs-'))
  await writeFile(join(folder, 'large.tar.gz'), large)
})
afterAll(() => rm(folder, { recursive: true }))

interface Served {
  fetch(options?: FetchOptions & { readonly blocks?: boolean }): Promise<Archive>
  /** Requests so far. */
  readonly asked: number
}

/** What is fetched from a server into the store. */
async function served(store: Store, script: Script): Promise<Served> {
  const server = await startScriptedServer(script)
  onTestFinished(() => server.stop())
  const fetch: Served['fetch'] = ({ blocks = true, ...options } = {}) => {
    const tools = { store, report: silent, signal, blocks }
    return fetchArchive(`http://${server.host}/a.tar.gz`, { patience: PATIENCE, unverified: true, ...options }, tools)
  }
  return {
    fetch,
    get asked() {
      return server.seen.length
    },
  }
}

const at =
  (bytes: Buffer): Script =>
  (_, response) =>
    void response.end(bytes)
const blocksOf = async (store: Store, archive: Archive) => (await store.gzipSource(archive.packed!, signal))!.blocks

/** What is found when all of it is there at once. */
const wholeBlocks = (() => {
  const scanner = new GzipReader()
  scanner.push(large)
  return scanner.end()
})()

/** Digests in hex of blobs, and of blobs with an index of blocks. */
async function kept(store: Store): Promise<[blobs: string[], indexes: string[]]> {
  return [await readdir(join(store.root, 'blobs/sha256')), await readdir(join(store.root, 'blocks'))]
}

describe('a large tarball with gzip', () => {
  it('is kept when its blocks may be copied, and they are found while it arrives', async () => {
    const store = await testStore()
    const { fetch } = await served(store, async (_, response) => {
      response.writeHead(200, { 'content-length': large.length })
      for (let at = 0; at < large.length; at += 2_000_000) {
        response.write(large.subarray(at, at + 2_000_000))
        await sleep(5)
      }
      response.end()
    })
    const archive = await fetch()
    expect(archive.packed).toEqual({ digest: digestOf(large), size: large.length, diffId: digestOf(raw) })
    const source = (await store.gzipSource(archive.packed!, signal))!
    expect(source.file).toBe(archive.file)
    expect((await readFile(source.blob.path)).equals(large)).toBe(true)
    expect(source.blocks).toEqual(wholeBlocks)
    expect(await kept(store)).toEqual([[sha256Of(large)], [sha256Of(large)]])
  })

  it('is not fetched again, and is when only its raw tar is left', async () => {
    const store = await testStore()
    const server = await served(store, at(large))
    const sha256 = sha256Of(large)
    await server.fetch({ sha256 })
    const again = await testStore(store.root)
    expect((await (await served(again, at(large))).fetch({ sha256 })).packed?.digest).toBe(digestOf(large))
    await store.close()
    await again.close()
    await unlink(join(store.root, 'blobs/sha256', sha256))
    const later = await testStore(store.root)
    const another = await served(later, at(large))
    expect((await another.fetch({ sha256, blocks: false })).packed).toEqual(expect.anything())
    expect(another.asked).toBe(0)
    const archive = await another.fetch({ sha256 })
    expect(another.asked).toBe(1)
    expect(await blocksOf(later, archive)).toEqual(wholeBlocks)
  })

  it('is not kept when nobody is going to copy its blocks', async () => {
    const store = await testStore()
    const { fetch } = await served(store, at(large))
    const archive = await fetch({ blocks: false })
    expect(archive.packed?.size).toBe(large.length)
    expect(await kept(store)).toEqual([[], []])
  })

  it('that begins anew after a break is looked at anew', async () => {
    const store = await testStore()
    const other = gzipSync(raw, { ...fast, memLevel: 7 })
    const { fetch } = await served(store, async (_, response, count) => {
      if (count > 0) return void response.writeHead(200, { 'content-length': large.length }).end(large)
      response.writeHead(200, { 'content-length': other.length }).write(other.subarray(0, 8_500_000))
      await sleep(200)
      response.destroy()
    })
    const archive = await fetch()
    expect(archive.digest).toBe(digestOf(large))
    expect(await blocksOf(store, archive)).toEqual(wholeBlocks)
    expect(await kept(store)).toEqual([[sha256Of(large)], [sha256Of(large)]])
  })

  it.each([
    ['has another sha256', at(large), { sha256: sha256Of(small) }, 'CHECKSUM_MISMATCH'],
    ['has garbage behind it', at(Buffer.concat([large, Buffer.from('x')])), {}, 'ARCHIVE_INVALID'],
    ['breaks off', breaksOff, {}, 'FETCH_FAILED'],
  ] as [string, Script, FetchOptions, string][])(
    'that %s leaves no file and no thread',
    async (_, script, options, code) => {
      const store = await testStore()
      const before = await workers()
      const { fetch } = await served(store, script)
      await expect(fetch(options)).rejects.toMatchObject({ code })
      expect(await kept(store)).toEqual([[], []])
      await store.close()
      expect(await workers()).toBeLessThanOrEqual(before)
    },
  )

  it('at a path is copied, and stays where it is', async () => {
    const store = await testStore()
    const path = join(folder, 'large.tar.gz')
    const before = await stampOf(path)
    const tools = { store, report: silent, signal, blocks: true }
    const archive = await fetchArchive(path, {}, tools)
    expect(await blocksOf(store, archive)).toEqual(wholeBlocks)
    expect(await stampOf(path)).toEqual(before)
    const copy = join(await testFolder(), 'copy.tar.gz')
    await copyFile(path, copy)
    const sha256 = sha256Of(small)
    const refused = { code: 'CHECKSUM_MISMATCH', message: expect.stringContaining(copy) }
    await expect(fetchArchive(copy, { sha256 }, tools)).rejects.toMatchObject(refused)
  })

  it('goes with what is pruned', async () => {
    const store = await testStore()
    const { fetch } = await served(store, at(large))
    await blocksOf(store, await fetch())
    await store.close()
    await pruneStore(store)
    expect(await kept(store)).toEqual([[], []])
  })
})

describe('a tarball', () => {
  it.each([
    ['that is small', small],
    ['with zstd', zstdCompressSync(raw)],
    ['without compression', raw],
  ])('%s is not kept, and found again all the same', async (_, bytes) => {
    const store = await testStore()
    const server = await served(store, at(bytes))
    expect((await server.fetch()).packed).toBeUndefined()
    expect(await kept(store)).toEqual([[], []])
    expect((await server.fetch({ sha256: sha256Of(bytes) })).digest).toBe(digestOf(bytes))
    expect(server.asked).toBe(1)
  })
})

async function stampOf(path: string) {
  const { ino, mtimeMs, size, nlink } = await stat(path)
  return { ino, mtimeMs, size, nlink }
}

async function breaksOff(_: unknown, response: Parameters<Script>[1]): Promise<void> {
  response.writeHead(200, { 'content-length': large.length }).write(large.subarray(0, 8_500_000))
  await sleep(50)
  response.destroy()
}
