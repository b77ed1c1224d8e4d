import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { keepStamps, lookAhead } from '../../src/build/source-stamps.ts'
import { digestOf, hexOf } from '../../src/oci/digest.ts'
import { storePaths } from '../../src/oci/store-paths.ts'
import { fingerprint } from '../../src/provision/fingerprint.ts'
import { loadSpec } from '../../src/spec/load.ts'
import { makePlan } from '../../src/spec/plan.ts'
import { testFolder } from '../support/folder.ts'
import { testStore } from '../support/store.ts'

/** A spec of two sources, after a build of it. */
async function built(count = 1) {
  const folder = await testFolder()
  await mkdir(join(folder, 'files/inner'), { recursive: true })
  for (let i = 0; i < count; i++) await writeFile(join(folder, `files/inner/${i} ö`), 'a')
  await writeFile(join(folder, 'one'), 'a')
  const spec = join(folder, 'app.spec.json')
  const steps = [
    { copy: 'files/', to: '/' },
    { copy: 'one', to: '/one' },
  ]
  await writeFile(spec, JSON.stringify({ from: 'scratch', steps }))
  const plan = makePlan(await loadSpec(spec, { vars: {}, env: {} }), { env: {} })
  const store = await testStore()
  const tools = {
    ...{ store, folder, name: 'a', trust: true, blocks: true, env: {}, ownOutputs: new Set<string>() },
    ...{ report: () => {}, signal: new AbortController().signal },
  }
  const keep = async () => {
    const fingerprints = await Promise.all(plan.steps.map(({ step }) => fingerprint(step, tools as never)))
    await keepStamps(store, plan, fingerprints)
  }
  await keep()
  return { folder, spec, root: store.root, keep, changed: () => lookAhead(store.root, spec)?.isChanged }
}

it.each([
  ['a file of a folder is written', (folder: string) => writeFile(join(folder, 'files/inner/0 ö'), 'b')],
  ['a file of a folder is gone', (folder: string) => rm(join(folder, 'files/inner/0 ö'))],
  ['a source that is one file is written', (folder: string) => writeFile(join(folder, 'one'), 'b')],
  ['the spec is written', (folder: string) => writeFile(join(folder, 'app.spec.json'), '{}')],
])('a build is expected to have something to do when %s', async (_, change) => {
  const { folder, root, spec, changed } = await built()
  expect(changed()).toBe(false)
  expect(lookAhead(root, spec)).toMatchObject({ hasMany: false })
  await change(folder)
  expect(changed()).toBe(true)
})

it('what was kept last is what is compared with', async () => {
  const { folder, changed, keep } = await built()
  await writeFile(join(folder, 'one'), 'b')
  await keep()
  expect(changed()).toBe(false)
})

it('of many files those that were changed last are looked at', async () => {
  const { folder, root, spec, changed, keep } = await built(500)
  expect(lookAhead(root, spec)).toEqual({ isChanged: false, hasMany: true })
  await writeFile(join(folder, 'files/inner/250 ö'), 'b')
  await keep()
  await writeFile(join(folder, 'files/inner/250 ö'), 'c')
  expect(changed()).toBe(true)
})

it('nobody knows what to expect of a spec that was never built, or of a damaged record', async () => {
  const { folder, spec, root, changed } = await built()
  expect(lookAhead(join(folder, 'none'), spec)).toBeUndefined()
  expect(lookAhead(root, join(folder, 'other.spec.json'))).toBeUndefined()
  await writeFile(join(folder, 'one'), 'b')
  expect(changed()).toBe(true)
  await writeFile(join(storePaths(root).records, hexOf(digestOf(`ocibake stamps of ${spec}`))), 'damaged\n[]')
  expect(changed()).toBeUndefined()
})
