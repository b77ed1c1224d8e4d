import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { Aside } from '../../src/build/aside.ts'
import { takeSources } from '../../src/build/take-sources.ts'
import { ThreadsAhead } from '../../src/build/threads-ahead.ts'
import { Network } from '../../src/network/network.ts'
import { RootKeeper } from '../../src/provision/root-keeper.ts'
import { loadSpec } from '../../src/spec/load.ts'
import { makePlan } from '../../src/spec/plan.ts'
import { testFolder } from '../support/folder.ts'
import { testStore } from '../support/store.ts'

async function planOf(fields: object) {
  const folder = await testFolder()
  await mkdir(join(folder, 'files'))
  await writeFile(join(folder, 'files/a'), 'a')
  await writeFile(join(folder, 'app.spec.json'), JSON.stringify(fields))
  const plan = makePlan(await loadSpec(join(folder, 'app.spec.json'), { vars: {}, env: {} }), { env: {} })
  return { plan, file: join(folder, 'files/a') }
}

it('sources say that one of them changed, while others may still be on their way', async () => {
  const { plan, file } = await planOf({ from: 'scratch', steps: [{ copy: 'files/', to: '/' }] })
  const store = await testStore()
  let changes = 0
  const take = async () => {
    await using sources = takeSources(plan, {
      ...{ store, cache: 'all', sandbox: 'auto', env: {}, report: () => {}, signal: new AbortController().signal },
      ...{ roots: new RootKeeper(store), aside: new Aside(), network: new Network(), blocks: true },
      ownOutputs: new Set(),
      onChange: () => void changes++,
    })
    await sources.fingerprints()
    return changes
  }
  expect([await take(), await take()]).toEqual([0, 0])
  await writeFile(file, 'another')
  expect([await take(), await take()]).toEqual([1, 1])
})

it('threads are the same for everybody who starts them, and end with whoever made them', async () => {
  const { plan } = await planOf({ from: 'scratch', steps: [{ copy: 'files/', to: '/' }] })
  let pool: { end(descriptor: number): Promise<unknown> }
  {
    await using ahead = new ThreadsAhead(plan, { store: await testStore() })
    const [first, again] = await Promise.all([ahead.start(), ahead.start()])
    expect(again).toBe(first)
    pool = first!.pool
  }
  await expect(pool.end(0)).rejects.toThrow('have ended')
})

it.each([
  ['nothing is added', { from: 'oci:base', layers: 'append', steps: [] }],
  ['gzip is not wanted', { from: 'scratch', compression: 'zstd', steps: [{ copy: 'files/', to: '/' }] }],
])('there are none when %s', async (_, fields) => {
  const { plan } = await planOf(fields)
  await using ahead = new ThreadsAhead(plan, { store: await testStore() })
  expect(await ahead.start()).toBeUndefined()
})
