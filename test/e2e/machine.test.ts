/** Machines that are not as they should be. Needs a sandbox. */
import { chmodSync, mkdirSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Store } from '../../src/oci/store.ts'
import { pruneStore } from '../../src/oci/store-prune.ts'
import { Bakery } from '../support/bakery.ts'
import { runCli } from '../support/cli.ts'
import { filesOf } from '../support/store.ts'

const STEPS = [{ copy: 'app/', to: '/app' }, { run: 'cat /app/file0 >/srv/made' }]

let bakery: Bakery
let fields: object
let digest: string

beforeAll(async () => {
  bakery = await Bakery.open()
  mkdirSync(bakery.at('app'))
  for (let i = 0; i < 50; i++) writeFileSync(bakery.at(`app/file${i}`), `${i}\n`)
  fields = { from: bakery.base, steps: STEPS }
  digest = await bakery.buildHere(fields, 'oci:good:1')
}, 60_000)

afterAll(() => bakery?.close())

it('a process that may open few files says so, or builds the same', async () => {
  writeFileSync(bakery.at('app.spec.json'), JSON.stringify(fields))
  const ends = new Set<string>()
  for (const files of [24, 28, 34, 42, 128]) {
    const cache = bakery.at(`cache-${files}`)
    const under = ['sh', '-c', 'ulimit -n "$0"; exec "$@"', String(files)]
    const args = ['build', 'app.spec.json', '-o', `oci:few-${files}:1`]
    const { code, stdout, stderr } = await runCli(args, { cache, cwd: bakery.folder, under })
    if (code === 0) expect(stdout).toBe(digest)
    else expect(stderr).toMatch(/^TOO_MANY_FILES\n {2}This process may not open more files\.\n {2}-> .*ulimit -n/m)
    ends.add(code === 0 ? 'built' : 'refused')
    if (code !== 0) await bakery.expectNothingLeft([`few-${files}`], cache)
  }
  expect([...ends].sort()).toEqual(['built', 'refused'])
}, 60_000)

describe('a HOME', () => {
  it.each([
    ['that is not there', () => bakery.at('nowhere')],
    ['that is empty', () => ''],
    ['that is a file', () => bakery.at('app/file1')],
    ['that nobody may write', () => made('closed', 0o500)],
  ])('%s matters to nobody who says where the cache is', async (_, home) => {
    const env = { HOME: home(), XDG_CONFIG_HOME: '' }
    const { code, stdout, stderr } = await bakery.build(fields, ['-o', 'oci:homeless:1'], { env })
    expect(code, stderr).toBe(0)
    expect(stdout).toBe(digest)
  })

  function made(name: string, mode: number): string {
    mkdirSync(bakery.at(name))
    chmodSync(bakery.at(name), mode)
    return bakery.at(name)
  }
})

describe('a store', () => {
  it('of times to come, since the clock was set back, is as good as ever', async () => {
    const cache = bakery.at('future')
    await bakery.buildHere(fields, 'oci:later:1', cache)
    const later = new Date(Date.now() + 400 * 86_400_000)
    const root = join(cache, 'store')
    for (const file of await filesOf(root)) utimesSync(join(root, file), later, later)
    for (let i = 0; i < 2; i++) expect(await bakery.buildHere(fields, 'oci:later:1', cache)).toBe(digest)
    expect((await pruneStore({ root }, { olderThanMilliseconds: 1000 })).kept).toBeGreaterThan(0)
    await pruneStore({ root }, { maxSize: 0 })
    expect(await bakery.buildHere(fields, 'oci:later:1', cache)).toBe(digest)
  })

  it('that somebody prunes all the time gives the right image, always', async () => {
    const cache = bakery.at('pruned')
    await using store = await Store.open(join(cache, 'store'))
    let builds = 0
    let pruned = 0
    const prune = async () => {
      while (builds < 4) pruned += (await pruneStore(store)).removed.length
    }
    const build = async () => {
      for (; builds < 4; builds++) expect(await bakery.buildHere(fields, 'oci:often:1', cache)).toBe(digest)
    }
    await Promise.all([build(), prune()])
    expect(pruned).toBeGreaterThan(10)
  }, 60_000)
})
