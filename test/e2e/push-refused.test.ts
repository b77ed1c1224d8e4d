import { existsSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Bakery } from '../support/bakery.ts'
import { startRegistry, type TestRegistry } from '../support/registry.ts'

describe('a push that cannot be', () => {
  let bakery: Bakery
  let registry: TestRegistry
  const steps = [{ run: 'touch /srv/made' }]

  beforeAll(async () => {
    bakery = await Bakery.open()
    registry = await startRegistry({ auth: 'basic' })
  })
  afterAll(async () => {
    await registry?.stop()
    await bakery?.close()
  })

  const events = (stderr: string) =>
    stderr.split('\n').map((line) => JSON.parse(line) as { type: string; code?: string })
  const begins = (stderr: string) => events(stderr).some(({ type }) => type === 'step-started')
  const from = () => ({ from: bakery.base, steps })
  const json = ['--push', '--progress', 'json']

  it('ends the build before the first step, in an empty cache and in one that knows the base', async () => {
    const tags = [`${registry.host}/app:1`]
    for (const [how, made] of [['cold'], ['warm', [{ write: '/srv/other', text: 'other' }]]] as const) {
      const { code, stderr } = await bakery.build({ ...from(), steps: [...(made ?? []), ...steps], tags }, json)
      expect(code, how).toBe(3)
      expect(events(stderr).at(-1), how).toMatchObject({ code: 'REGISTRY_UNAUTHORIZED' })
      expect(begins(stderr), how).toBe(false)
      // For the second time.
      await bakery.build({ from: bakery.base }, ['-o', 'oci:base:1'])
    }
  })

  it('leaves what is written on this machine, too', async () => {
    const tags = [`${registry.host}/app:1`]
    const { code, stderr } = await bakery.build({ ...from(), tags }, [...json, '-o', 'oci:kept:1'])
    expect(code).toBe(3)
    expect(begins(stderr)).toBe(true)
    expect(existsSync(bakery.at('kept/index.json'))).toBe(true)
  })

  it('a file for metadata that cannot be ends the build before the first step', async () => {
    for (const file of [`${bakery.at('base')}/index.json/x`, '/proc/metadata.json']) {
      const args = ['-o', 'oci:out:1', '--progress', 'json', '--metadata-file', file]
      const { code, stderr } = await bakery.build(from(), args)
      expect(code).toBe(1)
      expect(events(stderr).at(-1)).toMatchObject({ code: 'OUTPUT_FAILED', message: expect.stringContaining(file) })
      expect(begins(stderr)).toBe(false)
    }
  })

  it('a file for metadata may be in a folder that an output makes', async () => {
    const args = [
      '-o',
      `docker-archive:${bakery.at('new/app.tar')}:app:1`,
      '--metadata-file',
      bakery.at('new/meta.json'),
    ]
    const { code, stderr } = await bakery.build({ from: bakery.base }, args)
    expect(code, stderr).toBe(0)
    expect(existsSync(bakery.at('new/meta.json'))).toBe(true)
  })
})
