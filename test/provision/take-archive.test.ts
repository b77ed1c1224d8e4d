import { utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { silent } from '../../src/events.ts'
import { digestOf, hexOf } from '../../src/oci/digest.ts'
import type { Store } from '../../src/oci/store.ts'
import { isArchiveCached } from '../../src/provision/archive.ts'
import type { FetchOptions } from '../../src/provision/start-fetch.ts'
import { takeArchive } from '../../src/provision/take-archive.ts'
import { testFolder } from '../support/folder.ts'
import { type S3, startS3 } from '../support/s3.ts'
import { type ScriptedServer, startScriptedServer } from '../support/scripted-server.ts'
import { testStore } from '../support/store.ts'
import { tarArchive } from '../support/tar-archive.ts'

const ONE = tarArchive([{ name: 'a', content: 'one' }])
const TWO = tarArchive([{ name: 'a', content: 'two' }])

let store: Store
beforeEach(async () => {
  store = await testStore()
})

function take(uri: string, options: FetchOptions = {}, trust = true) {
  const signal = new AbortController().signal
  return takeArchive(uri, { unverified: true, ...options }, { store, report: silent, signal, env: {}, trust })
}

describe('an S3 object', () => {
  let s3: S3
  beforeEach(async () => {
    s3 = await startS3()
    for (const [name, value] of Object.entries(s3.env)) vi.stubEnv(name, value)
    s3.createBucket('bucket', { versioned: true })
    s3.put('bucket', 'x.tar', ONE)
  })
  afterEach(async () => {
    vi.unstubAllEnvs()
    await s3.stop()
  })

  it('is asked for by the ETag of the last download, and is not downloaded again', async () => {
    expect(await take('s3://bucket/x.tar')).toBe(digestOf(ONE))
    expect(await isArchiveCached(store, hexOf(digestOf(ONE)), false)).toBe(true)
    expect(await take('s3://bucket/x.tar')).toBe(digestOf(ONE))
    expect(
      s3.server.seen.filter(({ method }) => method === 'GET').map(({ ifNoneMatch }) => typeof ifNoneMatch),
    ).toEqual(['undefined', 'string'])
  })

  it('is downloaded when it is another, or when nothing is to be believed', async () => {
    await take('s3://bucket/x.tar')
    const version = s3.put('bucket', 'x.tar', TWO)
    expect(await take('s3://bucket/x.tar')).toBe(digestOf(TWO))
    expect(await take('s3://bucket/x.tar', { versionId: version })).toBe(digestOf(TWO))
    expect(await take('s3://bucket/x.tar', {}, false)).toBe(digestOf(TWO))
    expect(s3.server.seen.at(-1)).toMatchObject({ ifNoneMatch: undefined })
  })

  it('that is gone is missed', async () => {
    await take('s3://bucket/x.tar')
    s3.put('bucket', 'x.tar', null)
    await expect(take('s3://bucket/x.tar')).rejects.toMatchObject({ code: 'FETCH_NOT_FOUND' })
  })

  it('with a sha256 in the spec is not asked for', async () => {
    const sha256 = hexOf(digestOf(ONE))
    expect(await take('s3://bucket/x.tar', { sha256 })).toBe(digestOf(ONE))
    expect(s3.server.seen).toEqual([])
  })
})

describe('a file of the web', () => {
  let web: ScriptedServer
  let now = { bytes: ONE, etag: '"1"', honours: true }
  beforeEach(async () => {
    now = { bytes: ONE, etag: '"1"', honours: true }
    web = await startScriptedServer(({ headers }, response) => {
      if (now.honours && headers['if-none-match'] === now.etag) response.writeHead(304).end()
      else response.writeHead(200, { etag: now.etag, 'content-length': now.bytes.length }).end(now.bytes)
    })
  })
  afterEach(() => web.stop())
  const uri = () => `http://${web.host}/x.tar`
  const asked = () => web.seen.map(({ headers }) => headers['if-none-match'])

  it.each([true, false])('is not downloaded while it has its ETag (If-None-Match honoured: %s)', async (honours) => {
    now.honours = honours
    await take(uri())
    // Nobody looks at bytes behind an ETag that is known.
    if (!honours) now.bytes = TWO
    expect(await take(uri())).toBe(digestOf(ONE))
    now = { bytes: TWO, etag: '"2"', honours }
    expect(await take(uri())).toBe(digestOf(TWO))
    expect(asked()).toEqual([undefined, '"1"', '"1"'])
  })

  it('is downloaded each time when its ETag is weak', async () => {
    now.etag = 'W/"1"'
    await take(uri())
    now.bytes = TWO
    expect(await take(uri())).toBe(digestOf(TWO))
    expect(asked()).toEqual([undefined, undefined])
  })
})

describe('a local tarball', () => {
  it('is read again when it may have changed, whatever its time says', async () => {
    const path = join(await testFolder(), 'x.tar')
    const put = (bytes: Buffer) => {
      writeFileSync(path, bytes)
      utimesSync(path, 1, 1)
    }
    put(ONE)
    expect(await take(path)).toBe(digestOf(ONE))
    put(TWO)
    expect(await take(path)).toBe(digestOf(TWO))
    await expect(take(`${path}x`)).rejects.toMatchObject({ code: 'FETCH_NOT_FOUND' })
  })
})
