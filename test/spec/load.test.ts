import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parsePlatform } from '../../src/oci/platform.ts'
import { loadSpec, loadSpecs } from '../../src/spec/load.ts'
import { runCli } from '../support/cli.ts'
import { testFolder } from '../support/folder.ts'

const MISSING_COMMA = `export default {\n  from: 'scratch',\n  steps: [\n    { run: 'x' }\n    { run: 'y' },\n  ],\n}\n`
const THROWS = `import { readFileSync } from 'node:fs'\nexport function fail() {\n  return readFileSync('/no/such')\n}\n`

describe('a spec that cannot be loaded', () => {
  let folder: string
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'ocibake-load-'))
  })
  afterAll(() => rm(folder, { recursive: true }))

  async function refusal(name: string, text: string, others: Record<string, string> = {}): Promise<string> {
    for (const [path, content] of Object.entries({ ...others, [name]: text })) {
      await mkdir(dirname(join(folder, path)), { recursive: true })
      await writeFile(join(folder, path), content)
    }
    const { code, stderr } = await runCli(['validate', name], { cache: join(folder, 'cache'), cwd: folder })
    expect(code, stderr).toBe(2)
    return stderr
  }

  it.each(['a.spec.ts', 'a.spec.mjs', 'a.spec.js', 'in/a.spec.mts'])(
    'names the place of a missing comma in %s',
    async (name) => {
      const stderr = await refusal(name, MISSING_COMMA)
      expect(stderr).toContain(`${name} cannot be loaded: ${name}:5:5: `)
      expect(stderr).not.toContain('erasable')
    },
  )

  it.each(['b.spec.ts', 'b.spec.mjs'])('names the line that throws when %s is loaded', async (name) => {
    const text = `const a = undefined\n\nexport default { from: a.b }\n`
    expect(await refusal(name, text)).toContain(`${name}:3:26: Cannot read properties of undefined (reading 'b')`)
  })

  it('names the line that throws in the function that it exports', async () => {
    const stderr = await refusal(
      'c.spec.ts',
      `export default () => {\n  throw new Error('no\\n    at f (/etc/x:1:1)')\n}\n`,
    )
    expect(stderr).toContain('The function that c.spec.ts exports failed: c.spec.ts:2:9: no')
    // It was thrown for whoever builds.
    expect(stderr).not.toContain('Correct it')
  })

  it('names a file that it imports, and none of Node or of libraries', async () => {
    const library = {
      'node_modules/lib/index.js': THROWS,
      'node_modules/lib/package.json': '{"type":"module","exports":"./index.js"}',
    }
    const mine = `import { fail } from 'lib'\nexport const it = () => fail()\n`
    const spec = `import { it } from '../mine.ts'\nexport default { from: it() }\n`
    expect(await refusal('in/d.spec.ts', spec, { ...library, 'mine.ts': mine })).toContain(': mine.ts:2:25: ENOENT')
    const broken = `import './broken.ts'\nexport default {}\n`
    expect(await refusal('e.spec.ts', broken, { 'broken.ts': MISSING_COMMA })).toContain(': broken.ts:5:5: ')
  })

  it('is named as the user named it, also through a symlink', async () => {
    await mkdir(join(folder, 'real'))
    await symlink('real', join(folder, 'link'))
    expect(await refusal('link/f.spec.ts', MISSING_COMMA)).toContain(': link/f.spec.ts:5:5: ')
  })

  it('is told to be erasable where it is not', async () => {
    const stderr = await refusal('g.spec.ts', `\nenum A { B }\nexport default { from: A.B }\n`)
    expect(stderr).toContain('g.spec.ts:2')
    expect(stderr).toContain('erasable TypeScript')
  })

  it('is told to import types as such', async () => {
    const ours = await refusal('h.spec.ts', `import { Spec } from 'ocibake'\nexport default {} satisfies Spec\n`)
    expect(ours).toContain('`import type`')
    const theirs = `import { Own } from './own.ts'\nexport default {} satisfies Own\n`
    const own = await refusal('j.spec.ts', theirs, { 'own.ts': 'export interface Own {}\n' })
    expect(own).toContain('j.spec.ts:1')
    expect(own).toContain('`import type`')
  })

  it('has no place where nothing says one', async () => {
    expect(await refusal('i.spec.ts', `throw 'bad luck'`)).toContain('i.spec.ts cannot be loaded: bad luck')
  })
})

describe('a spec for several platforms', () => {
  const PLATFORMS = ['linux/amd64', 'linux/arm64']
  const both = PLATFORMS.map(parsePlatform)
  async function load(text: string, context: Partial<Parameters<typeof loadSpecs>[1]> = {}) {
    const file = join(await testFolder(), 'app.spec.mjs')
    await writeFile(file, text)
    return { file, specs: () => loadSpecs(file, { vars: {}, env: {}, ...context }) }
  }
  const CALLS = 'globalThis.calls ??= []; globalThis.calls.push'

  it('is loaded once for each that it names, or that is named instead', async () => {
    const text = `export default { from: 'scratch', platform: ['linux/arm64', 'linux/amd64'] }`
    const named = (await (await load(text)).specs()).map(({ platform }) => platform)
    expect(named).toEqual(both.toReversed())
    const instead = await (await load(text, { platforms: [parsePlatform('linux/s390x')] })).specs()
    expect(instead.map(({ platform }) => platform)).toEqual([{ os: 'linux', architecture: 's390x' }])
  })

  it('has a function called with each platform in its normal form', async () => {
    const text = `export default ({ platform }) => ({ from: 'scratch', annotations: { platform } })`
    const { specs } = await load(text, { platforms: [...both, parsePlatform('linux/armhf')] })
    const said = (await specs()).map(({ spec }) => spec.annotations?.platform)
    expect(said).toEqual(['linux/amd64', 'linux/arm64', 'linux/arm/v7'])
  })

  it('has a function called once that never asks for the platform', async () => {
    const text = `export default ({ vars }) => { ${CALLS}(vars.of); return { from: 'scratch', platform: ${JSON.stringify(PLATFORMS)} } }`
    const { specs } = await load(text, { vars: { of: 'once' } })
    expect(await specs()).toHaveLength(2)
    expect((globalThis as unknown as { calls: string[] }).calls.filter((of) => of === 'once')).toHaveLength(1)
  })

  it('counts a variable as read that one of the calls has read', async () => {
    const text = `export default ({ platform, vars }) => ({ from: platform === 'linux/arm64' ? (vars.base ?? 'none') : 'scratch' })`
    const { specs } = await load(text, { vars: { base: 'debian' }, platforms: both })
    expect((await specs()).map(({ spec }) => spec.from)).toEqual(['scratch', 'debian'])
    const unread = await load(text, { vars: { bsae: 'debian' }, platforms: both })
    await expect(unread.specs()).rejects.toMatchObject({ code: 'USAGE', hint: 'It reads: base.' })
  })

  it('says for which platform its function fails', async () => {
    const text = `export default ({ platform }) => { throw new Error('none for ' + platform) }`
    await expect((await load(text, { platforms: both })).specs()).rejects.toMatchObject({
      code: 'SPEC_UNREADABLE',
      message: expect.stringMatching(/failed for linux\/amd64: .*: none for linux\/amd64$/),
    })
  })

  it('is no one spec, for whoever wants one', async () => {
    const { file } = await load(`export default { from: 'scratch', platform: ${JSON.stringify(PLATFORMS)} }`)
    await expect(loadSpec(file, { vars: {}, env: {} })).rejects.toMatchObject({
      code: 'USAGE',
      message: expect.stringContaining('is for linux/amd64 and linux/arm64'),
    })
  })

  it.each([
    ["['linux/arm64', 'linux/aarch64']", 'The platform linux/arm64 is named twice, as linux/arm64 and linux/aarch64.'],
    ["['linux/amd64', 'x']", "The platform is 'x'"],
    ['[]', 'platform: is an empty list'],
    ['7', "expected a platform such as 'linux/amd64', or a list of them"],
  ])('names no %s', async (platform, message) => {
    const { specs } = await load(`export default { from: 'scratch', platform: ${platform} }`)
    await expect(specs()).rejects.toMatchObject({ code: 'SPEC_INVALID', message: expect.stringContaining(message) })
  })
})
