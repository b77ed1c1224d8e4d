import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import type { ServerResponse } from 'node:http'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { build } from '../../src/build.ts'
import { OcibakeError } from '../../src/errors.ts'
import type { Event } from '../../src/events.ts'
import { writeConfig } from '../../src/oci/config.ts'
import { digestOf } from '../../src/oci/digest.ts'
import { writeManifest } from '../../src/oci/manifest.ts'
import { OCI_CONFIG, OCI_LAYER_GZIP } from '../../src/oci/media-types.ts'
import { hostPlatform } from '../../src/oci/platform.ts'
import { RegistryConnection } from '../../src/registry/connection.ts'
import { loadSpec } from '../../src/spec/load.ts'
import { makePlan } from '../../src/spec/plan.ts'
import { testFolder } from '../support/folder.ts'
import { type Script, type ScriptedServer, startScriptedServer } from '../support/scripted-server.ts'
import { testStore } from '../support/store.ts'
import { tarArchive } from '../support/tar-archive.ts'

const TARBALL = tarArchive([{ name: 'a', content: 'a' }])

let server: ScriptedServer | undefined
afterEach(() => server?.stop())

const serve = async (script: Script) => {
  server = await startScriptedServer(script)
  return server.host
}

/** Builds from `from`, unpacking what the server has at these paths. @returns the events, and what it failed with */
async function attempt(host: string, from: string, paths: readonly string[]) {
  const folder = await testFolder()
  const steps = paths.map((path, i) => ({ unpack: `http://${host}${path}`, to: `/${i}`, unverified: true }))
  await writeFile(join(folder, 'app.spec.json'), JSON.stringify({ from, steps }))
  const plan = makePlan(await loadSpec(join(folder, 'app.spec.json'), { vars: {}, env: {} }), { env: {} })
  const events: Event[] = []
  const report = (event: Event) => void events.push(event)
  const timing = { attempts: 1 }
  const options = {
    credentials: async () => undefined,
    insecureRegistries: new Set([host]),
    report,
    userAgent: 'test',
    timing,
  }
  const connection = new RegistryConnection(options)
  const { signal } = new AbortController()
  const around = { connection, push: false, outputs: [], sandbox: 'auto', env: {}, report, signal }
  try {
    await build(plan, { store: await testStore(), ...around })
    return { events, error: undefined }
  } catch (error) {
    if (!(error instanceof OcibakeError)) throw error
    return { events, error }
  } finally {
    connection.close()
  }
}

describe('the sources of a build', () => {
  it('are asked for beside its base, and given up when there is none', async () => {
    const waiting: ServerResponse[] = []
    const ends: Promise<unknown>[] = []
    const host = await serve(({ path }, response) => {
      // Each is answered only when the other has been asked for.
      waiting.push(response)
      if (path.endsWith('.tar')) ends.push(once(response, 'close'))
      const manifest = waiting.find(({ req }) => req.url?.includes('manifests'))
      if (ends.length > 0) manifest?.writeHead(404).end()
    })
    const { events, error } = await attempt(host, `${host}/no/base:1`, ['/a.tar'])
    expect(error?.code).toBe('BASE_NOT_FOUND')
    expect(events.map(({ type }) => type)).toEqual(['build-started'])
    await Promise.all(ends)
  })

  it('are fetched beside its layers, which are given up when there is none', async () => {
    const layer = { mediaType: OCI_LAYER_GZIP, digest: digestOf('a layer'), size: 1 << 20 }
    const { os, architecture } = hostPlatform()
    const rootfs = { type: 'layers' as const, diff_ids: [digestOf('its tar')] }
    const bytes = writeConfig({ os, architecture, rootfs })
    const config = { mediaType: OCI_CONFIG, digest: digestOf(bytes), size: bytes.length }
    const manifest = writeManifest({ config, layers: [layer], annotations: {}, mediaTypes: 'oci' })
    let tarball: ServerResponse | undefined
    let ended: Promise<unknown> | undefined
    const host = await serve(({ path }, response) => {
      if (path.includes('manifests')) response.setHeader('content-type', manifest.mediaType).end(manifest.bytes)
      else if (path.endsWith(config.digest)) response.end(bytes)
      else if (path.endsWith(layer.digest)) ended = once(response.writeHead(200), 'close')
      else tarball = response
      if (ended !== undefined) tarball?.writeHead(404).end()
    })
    const { events, error } = await attempt(host, `${host}/base:1`, ['/a.tar'])
    expect(error?.code).toBe('FETCH_NOT_FOUND')
    expect(events.map(({ type }) => type)).toContain('base-resolved')
    await ended
  })

  it('are fetched several at a time', async () => {
    const waiting: ServerResponse[] = []
    const host = await serve((_, response) => {
      waiting.push(response)
      if (waiting.length === 3) for (const one of waiting) one.end(TARBALL)
    })
    expect((await attempt(host, 'scratch', ['/a.tar', '/b.tar', '/c.tar'])).error).toBeUndefined()
  })

  it('are fetched once if several steps unpack the same', async () => {
    const host = await serve(({ headers }, response) => {
      if (headers['if-none-match'] === '"1"') response.writeHead(304).end()
      else response.writeHead(200, { etag: '"1"' }).end(TARBALL)
    })
    expect((await attempt(host, 'scratch', ['/a.tar', '/a.tar', '/a.tar'])).error).toBeUndefined()
    expect(server!.seen.map(({ headers }) => headers['if-none-match'])).toEqual([undefined, '"1"', '"1"'])
  })

  it('that are not there are told of with the step', async () => {
    const host = await serve(({ path }, response) => {
      if (path === '/b.tar') response.writeHead(404).end()
      else if (path !== '/c.tar') response.end(TARBALL)
    })
    const { error } = await attempt(host, 'scratch', ['/a.tar', '/b.tar', '/c.tar'])
    expect(error).toMatchObject({ code: 'FETCH_NOT_FOUND', where: expect.stringContaining('step 2 (unpack)') })
  })
})
