import { createHash, randomBytes } from 'node:crypto'
import { readdirSync, statSync } from 'node:fs'
import type { ServerResponse } from 'node:http'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { gzipSync } from 'node:zlib'
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { silent } from '../../src/events.ts'
import { readAll } from '../../src/oci/content.ts'
import { Store } from '../../src/oci/store.ts'
import { nodeAt } from '../../src/oci/tree-paths.ts'
import { fetchArchive } from '../../src/provision/archive.ts'
import { archiveLayer } from '../../src/provision/archive-layer.ts'
import type { FetchOptions } from '../../src/provision/start-fetch.ts'
import { testFolder } from '../support/folder.ts'
import { type Script, startScriptedServer } from '../support/scripted-server.ts'
import { tarArchive } from '../support/tar-archive.ts'

const PATIENCE = { attempts: 2, backoff: 1, longestWait: 10, idle: 5000 }
const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex')
const tarball = (content: Buffer) => gzipSync(tarArchive([{ name: 'file', content }]), { level: 1 })

let store: Store

beforeEach(async () => {
  const opened = await Store.open(join(await testFolder(), 'store'))
  store = opened
  onTestFinished(() => opened.close())
})

async function fetched(script: Script, options: FetchOptions) {
  const server = await startScriptedServer(script)
  onTestFinished(() => server.stop())
  const tools = { store, report: silent, signal: new AbortController().signal }
  return await fetchArchive(`http://${server.host}/a.tar.gz`, { patience: PATIENCE, ...options }, tools)
}

function begin(response: ServerResponse, size: number, part: Buffer): void {
  response.writeHead(200, { 'content-length': size })
  response.write(part)
}

/** Bytes of raw tar that the store has written so far. */
function written(): number {
  const files = readdirSync(store.root, { recursive: true, encoding: 'utf8' }).filter((file) => /\/tar-\d+$/.test(file))
  return files.reduce((sum, file) => sum + statSync(join(store.root, file)).size, 0)
}

describe('fetchArchive of an address', () => {
  const content = randomBytes(2_000_000)
  const bytes = tarball(content)

  it('inflates what is there while the rest is still to come', async () => {
    const archive = await fetched(
      async (_, response) => {
        begin(response, bytes.length, bytes.subarray(0, 1_500_000))
        while (written() < 500_000) await sleep(5)
        response.end(bytes.subarray(1_500_000))
      },
      { sha256: sha256(bytes) },
    )
    const file = nodeAt(archiveLayer(archive, { to: '' }), 'file')
    expect(file?.kind === 'file' && (await readAll(file.content, 3_000_000)).equals(content)).toBe(true)
  })

  it('begins again when the server has something else after a break', async () => {
    const other = tarball(randomBytes(1_000_000))
    const archive = await fetched(
      async (_, response, count) => {
        if (count > 0) return void response.writeHead(200, { 'content-length': other.length }).end(other)
        begin(response, bytes.length, bytes.subarray(0, 1_500_000))
        while (written() === 0) await sleep(5)
        response.destroy()
      },
      { unverified: true },
    )
    expect(archive.digest).toBe(`sha256:${sha256(other)}`)
    expect([...archive.entries()]).toMatchObject([{ path: 'file', size: 1_000_000 }])
  })

  it.each([
    ['another tarball', tarball(randomBytes(100_000))],
    ['no tarball at all', Buffer.from('<!DOCTYPE html><title>Sign in</title>')],
    ['the tarball with a byte too many', Buffer.concat([bytes, Buffer.from('x')])],
  ])('says that the checksum is wrong for %s, and keeps nothing', async (_, got) => {
    const wanted = sha256(bytes)
    const answer: Script = (__, response) => void response.end(got)
    await expect(fetched(answer, { sha256: wanted })).rejects.toMatchObject({ code: 'CHECKSUM_MISMATCH' })
    expect(readdirSync(join(store.root, 'layers'))).toEqual([])
  })

  it('says that the download failed, not that the half of it is damaged', async () => {
    const half: Script = (_, response) => {
      begin(response, bytes.length, bytes.subarray(0, 1000))
      setTimeout(() => response.destroy(), 50)
    }
    await expect(fetched(half, { unverified: true })).rejects.toMatchObject({ code: 'FETCH_FAILED' })
    expect(readdirSync(join(store.root, 'layers'))).toEqual([])
  })
})
