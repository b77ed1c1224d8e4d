import { existsSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { type BuildIndexOptions, buildIndex } from '../../src/build/build-index.ts'
import type { Event } from '../../src/events.ts'
import { digestOf, hexOf } from '../../src/oci/digest.ts'
import { imageBlobs } from '../../src/oci/image.ts'
import { imagesOf } from '../../src/oci/image-index.ts'
import { parsePlatform } from '../../src/oci/platform.ts'
import { Store } from '../../src/oci/store.ts'
import { parseTransport } from '../../src/oci/transport.ts'
import { loadSpecs } from '../../src/spec/load.ts'
import { makePlan, type Plan } from '../../src/spec/plan.ts'
import { testFolder } from '../support/folder.ts'
import { testConnection } from '../support/registry-image.ts'

const PLATFORMS = ['linux/amd64', 'linux/arm64'].map(parsePlatform)
const SPEC = `export default ({ platform }) => ({ from: 'scratch', steps: [{ write: '/platform', text: platform }] })`

async function scene() {
  const folder = await testFolder()
  await writeFile(join(folder, 'app.spec.mjs'), SPEC)
  const specs = await loadSpecs(join(folder, 'app.spec.mjs'), { vars: {}, env: {}, platforms: PLATFORMS })
  const plans = specs.map((spec) => makePlan(spec, { env: {} }))
  const root = join(folder, 'store')
  const events: Event[] = []
  const build = async (output: string, some: readonly Plan[] = plans, more: Partial<BuildIndexOptions> = {}) => {
    await using store = await Store.open(root)
    const { connection } = testConnection()
    onTestFinished(() => connection.close())
    const outputs = [parseTransport(output.replace(':', `:${folder}/`))]
    const around = { env: {}, signal: new AbortController().signal, report: (event: Event) => void events.push(event) }
    return await buildIndex(some, { store, connection, push: false, outputs, sandbox: 'auto', ...around, ...more })
  }
  return { folder, root, plans, events, build }
}

describe('building an index', () => {
  it('tells of each image, then of the index, and then of where it is', async () => {
    const { build, events, folder } = await scene()
    const { index, shipped } = await build('oci:out:1')
    const told = events.filter(({ type }) => /^(build-started|image-built|index-built|written|pushed)$/.test(type))
    expect(told.map(({ type }) => type)).toEqual([
      ...['build-started', 'image-built', 'build-started', 'image-built', 'index-built', 'written'],
    ])
    const { digest } = index.document
    expect(told.slice(-2)).toMatchObject([{ digest, platforms: ['linux/amd64', 'linux/arm64'] }, { digest }])
    expect(shipped).toEqual({ pushed: [], outputs: [`oci:${folder}/out:1`] })
  })

  it('begins again when something in the store turns out to be damaged only when it is written', async () => {
    const { build, events, folder, root } = await scene()
    const { index } = await build('oci:first:1')
    const [layer] = imageBlobs(imagesOf(index)[0]!)
    const file = join(root, 'blobs/sha256', hexOf(layer!.digest))
    const bytes = await readFile(file)
    bytes[bytes.length >> 1]! ^= 1
    await writeFile(file, bytes)
    expect((await build('oci:second:1')).index.document).toEqual(index.document)
    expect(events).toContainEqual(
      expect.objectContaining({ message: expect.stringContaining('The build starts again.') }),
    )
    const written = await readFile(join(folder, 'second/blobs/sha256', hexOf(layer!.digest)))
    expect(digestOf(written)).toBe(layer!.digest)
  })

  it('takes each plan with the cache that is right for it', async () => {
    const { build, plans } = await scene()
    await build('oci:out:1')
    const asked: Plan[] = []
    const cache = (plan: Plan) => {
      asked.push(plan)
      return plan === plans[0] ? 'none' : 'all'
    }
    await build('oci:out:1', plans, { cache })
    expect(asked).toEqual(plans)
  })

  it.each(['rootfs:out', 'docker-archive:out'])('refuses a %s output, and does nothing', async (output) => {
    const { build, events, folder } = await scene()
    await expect(build(output)).rejects.toMatchObject({
      code: 'USAGE',
      message: expect.stringContaining('one platform'),
    })
    expect(events).toEqual([])
    expect(existsSync(join(folder, 'out'))).toBe(false)
  })

  it('refuses no plan, and two for one platform', async () => {
    const { build, plans } = await scene()
    await expect(build('oci:out', [])).rejects.toMatchObject({ code: 'USAGE' })
    const twice = [plans[0]!, { ...plans[0]! }]
    await expect(build('oci:out', twice)).rejects.toMatchObject({
      message: expect.stringContaining('linux/amd64 twice'),
    })
  })
})
