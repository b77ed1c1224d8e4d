import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { bake, type CliResult, runCli } from '../support/cli.ts'
import { testFolder } from '../support/folder.ts'

/** A folder with a spec that copies all that is beside it. */
async function scene() {
  const outer = await testFolder()
  const folder = join(outer, 'specs')
  mkdirSync(folder)
  const spec = { from: 'scratch', steps: [{ copy: '.', to: '/all' }] }
  writeFileSync(join(folder, 'app.spec.json'), JSON.stringify(spec))
  const options = { cache: join(outer, 'home'), cwd: folder }
  const digestOf = (...args: string[]) => bake(['build', 'app.spec.json', ...args], options)
  const run = (...args: string[]): Promise<CliResult> => runCli(['build', 'app.spec.json', ...args], options)
  return { folder, digestOf, run }
}

describe('what ocibake itself writes beside what is copied', () => {
  it('is not in the image: the metadata file, the list, the output, the cache', async () => {
    const { folder, digestOf } = await scene()
    const args = ['--metadata-file', 'built.json', '--sbom', 'list.json', '-o', 'oci:lay', '--cache-dir', 'cache']
    const first = await digestOf(...args)
    expect(await digestOf(...args)).toBe(first)
    expect(await digestOf(...args, '--no-cache')).toBe(first)
    expect(JSON.parse(readFileSync(join(folder, 'built.json'), 'utf8')).digest).toBe(first)
  })

  it.each(['.', 'all'])('does not get there from a cache folder that is copied itself (%s)', async (cache) => {
    const { folder, run } = await scene()
    mkdirSync(join(folder, 'all/tmp'), { recursive: true })
    const steps = [{ copy: cache === '.' ? '.' : 'all/tmp', to: '/all' }]
    writeFileSync(join(folder, 'app.spec.json'), JSON.stringify({ from: 'scratch', steps }))
    const { code, stderr } = await run('--cache-dir', cache)
    expect(code).toBe(2)
    expect(stderr).toMatch(/is in ocibake's own cache folder, .*\n.*-> Choose another cache folder/)
  })

  it('goes to the usual place where the cache folder is an empty variable', async () => {
    const { folder, digestOf } = await scene()
    const before = await digestOf('-o', 'oci:lay')
    expect(await digestOf('-o', 'oci:lay', '--cache-dir', '')).toBe(before)
    expect(() => readFileSync(join(folder, 'blobs'))).toThrow('ENOENT')
  })
})
