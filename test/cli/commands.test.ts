import { existsSync } from 'node:fs'
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execa } from 'execa'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { SANDBOXES } from '../../src/cli/options.ts'
import { SANDBOX_NAMES } from '../../src/provision/choose-sandbox.ts'
import { bake, type CliResult, runCli } from '../support/cli.ts'
import { filesOf } from '../support/store.ts'

const VALID = `export default { from: 'scratch', steps: [{ write: '/etc/motd', text: 'hi' }], config: { user: '1' } }`

/** A layer that cannot be compressed. */
const NOISE = `import { randomBytes } from 'node:crypto'
export default { from: 'scratch', steps: [{ write: '/noise', text: randomBytes(50_000).toString('base64') }] }`

describe('the command line', () => {
  let folder: string
  const run = (...args: string[]): Promise<CliResult> => runCli(args, { cache: join(folder, 'cache'), cwd: folder })
  const spec = async (text: string, name = 'app.spec.ts') => {
    await writeFile(join(folder, name), text)
    return name
  }
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'ocibake-cli-'))
  })
  afterAll(() => rm(folder, { recursive: true }))

  it('prints its version', async () => {
    const { version } = JSON.parse(await readFile(join(import.meta.dirname, '../../package.json'), 'utf8'))
    expect(await run('--version')).toEqual({ code: 0, stdout: version, stderr: '' })
  })

  it.each(['', 'build', 'validate', 'plan', 'inspect', 'cache'])('has help with examples on %j', async (command) => {
    const { code, stdout } = await run(...command.split(' ').filter(Boolean), '--help')
    expect(code).toBe(0)
    expect(stdout).toContain('Examples:')
  })

  it.each([
    [['bake']],
    [['build']],
    [['build', 'a.spec.ts', '--outptu', 'oci:x']],
    [['build', 'a.spec.ts', '--progress', 'loud']],
    [['build', 'a.spec.ts', '--var', 'novalue']],
    [['cache', 'prune', '--max-size', 'much']],
    [['cache', 'prune', '--older-than', 'foo']],
    [['build', 'a.spec.ts', '--sandbox', 'foo']],
  ])('ends with 2 for %j, and says what is wrong', async (args) => {
    const { code, stdout, stderr } = await run(...args)
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toMatch(/error: /)
  })

  it('keeps compiled code in a cache folder that only its user may write, and for a bare --version nowhere', async () => {
    const app = await spec(VALID)
    const keptBy = async (...args: string[]) => {
      const { code, stderr } = await run(...args)
      expect({ code, stderr }).toMatchObject({ code: 0 })
      return existsSync(join(cacheDir, 'code'))
    }
    const cacheDir = join(folder, 'cache', 'store')
    await rm(cacheDir, { recursive: true, force: true })
    expect(await keptBy('--version')).toBe(false)
    expect(await keptBy('validate', app)).toBe(false)
    await mkdir(cacheDir, { recursive: true })
    await chmod(cacheDir, 0o777)
    expect(await keptBy('plan', app)).toBe(false)
    await chmod(cacheDir, 0o755)
    expect(await keptBy('validate', app)).toBe(true)
    // Commands that only look into a store neither leave code there nor take any.
    await rm(join(cacheDir, 'code'), { recursive: true })
    expect(await keptBy('cache', 'ls')).toBe(false)
  })

  it('needs no cache folder to say its version, and says which one cannot be used', async () => {
    const long = join(folder, 'x'.repeat(300))
    const env = { OCIBAKE_CACHE_DIR: long }
    expect(await runCli(['--version'], { cache: folder, cwd: folder, env })).toMatchObject({ code: 0, stderr: '' })
    const { code, stderr } = await runCli(['build', await spec(VALID)], { cache: folder, cwd: folder, env })
    expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringMatching(/cannot be used: ENAMETOOLONG/) })
  })

  it('knows the sandboxes that there are', () => {
    expect(SANDBOXES).toEqual(['auto', ...SANDBOX_NAMES])
  })

  it.each([
    [['build', 'no.spec.ts', '--progress', 'json'], { code: 'SPEC_NOT_FOUND', exitCode: 2 }],
    [['build', 'no.spec.ts', '--sandbox', 'foo', '--progress=json'], { code: 'USAGE', exitCode: 2 }],
  ])('says errors as one line of JSON for %j', async (args, wanted) => {
    const { code, stdout, stderr } = await run(...args)
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(JSON.parse(stderr)).toMatchObject({ type: 'error', hint: expect.any(String), ...wanted })
  })

  describe('build', () => {
    it('prints the digest alone on stdout, and writes to out/ unless told otherwise', async () => {
      const { code, stdout, stderr } = await run('build', await spec(VALID))
      expect(code, stderr).toBe(0)
      expect(stdout).toMatch(/^sha256:[0-9a-f]{64}$/)
      expect(stderr).toContain('[1/1] write /etc/motd')
      const index = JSON.parse(await readFile(join(folder, 'out/app/index.json'), 'utf8'))
      expect(index.manifests).toMatchObject([
        { digest: stdout, annotations: { 'org.opencontainers.image.ref.name': 'latest' } },
      ])
    })

    it('makes the same image from source, without a build of ocibake', async () => {
      const args = ['build', await spec(VALID), '--cache-dir', 'cache-of-source', '-o', 'oci:of-source']
      const source = join(import.meta.dirname, '../../src/cli.ts')
      const { stdout } = await execa(process.execPath, [source, ...args], { cwd: folder })
      expect(stdout).toBe((await run('build', 'app.spec.ts', '-o', 'oci:of-program')).stdout)
    })

    it('refuses --no-cache together with --no-cache-from', async () => {
      const { code, stderr } = await run('build', await spec(VALID), '--no-cache', '--no-cache-from', '1')
      expect(code).toBe(2)
      expect(stderr).toMatch(/^USAGE\n.*do not go together/)
    })

    it('prints one JSON document a spec with --progress json, and every event as a line of JSON', async () => {
      const { stdout, stderr } = await run(
        'build',
        await spec(VALID),
        '--progress',
        'json',
        '-o',
        'oci:json',
        '--no-cache',
      )
      const result = JSON.parse(stdout)
      expect(result).toMatchObject({ spec: 'app.spec.ts', platform: 'linux/amd64', outputs: ['oci:json'], tags: [] })
      const events = stderr.split('\n').map((line) => JSON.parse(line).type)
      expect(events).toEqual([
        'build-started',
        'step-started',
        'step-finished',
        'task-started',
        ...events.filter((type) => type === 'task-progress'),
        'task-finished',
        'image-built',
        'written',
      ])
    })

    it('writes the metadata file: digest, size, layers, tags', async () => {
      const digest = (await run('build', await spec(VALID), '--metadata-file', 'm.json', '-o', 'oci:meta')).stdout
      const metadata = JSON.parse(await readFile(join(folder, 'm.json'), 'utf8'))
      expect(metadata.digest).toBe(digest)
      expect(metadata.layers).toHaveLength(1)
      expect(metadata.size).toBe(metadata.layers[0].size + metadata.config.size)
    })

    it('builds several specs in order, one digest a line, after all were found valid', async () => {
      const good = await spec(VALID)
      const other = await spec(VALID.replace("'hi'", "'ho'"), 'other.spec.ts')
      const both = await run('build', good, other)
      expect(new Set(both.stdout.split('\n')).size).toBe(2)
      const bad = await spec('export default { from: 7 }', 'bad.spec.ts')
      const none = await run('build', good, bad)
      expect({ code: none.code, stdout: none.stdout }).toEqual({ code: 2, stdout: '' })
      expect(none.stderr).not.toContain('write /etc/motd')
    })

    it('takes variables, and tells of one that the spec never reads', async () => {
      const name = await spec(
        `export default ({ vars }) => ({ from: 'scratch', steps: [{ write: '/v', text: vars.version }] })`,
      )
      expect((await run('build', name, '--var', 'version=1')).stdout).not.toBe(
        (await run('build', name, '--var', 'version=2')).stdout,
      )
      const unread = await run('build', name, '--var', 'version=1', '--var', 'vresion=2')
      expect(unread.code).toBe(2)
      expect(unread.stderr).toBe("USAGE\n  app.spec.ts does not read the variable 'vresion'.\n  -> It reads: version.")
    })

    it.each([
      [
        'a file that is not there',
        undefined,
        ['no.spec.ts'],
        2,
        /SPEC_NOT_FOUND\n {2}There is no spec file 'no.spec.ts'/,
      ],
      ['a file that does not parse', 'export default {', [], 2, /SPEC_UNREADABLE/],
      ['a spec that throws', 'throw new Error("no luck")', [], 2, /no luck/],
      ['no default export', 'export const spec = {}', [], 2, /has no default export/],
      ['a push without a tag', VALID, ['--push'], 2, /--push: app.spec.ts has no tags/],
      ['a transport nobody knows', VALID, ['-o', 'ftp:x'], 2, /REFERENCE_INVALID/],
      ['a platform nobody knows', VALID, ['--platform', 'x'], 2, /The platform is 'x'/],
      [
        'a failing step',
        VALID.replace("write: '/etc/motd', text: 'hi'", "own: '/no', by: '0'"),
        [],
        1,
        /PATH_NOT_FOUND {2}app.spec.ts, step 1 \(own\)\n {2}Nothing in the image matches '\/no'/,
      ],
      ['a registry that is not there', VALID.replace('scratch', 'localhost:1/x'), [], 3, /REGISTRY_UNREACHABLE/],
    ])('refuses %s', async (_, text, args, code, message) => {
      const name = text === undefined ? [] : [await spec(text)]
      const result = await run('build', ...name, ...args)
      expect({ code: result.code, stdout: result.stdout }).toEqual({ code, stdout: '' })
      expect(result.stderr).toMatch(message)
      expect(result.stderr).not.toContain('    at ')
    })

    it('refuses a SOURCE_DATE_EPOCH that is no number', async () => {
      const name = await spec(VALID)
      const result = await runCli(['build', name], {
        cache: join(folder, 'cache'),
        cwd: folder,
        env: { SOURCE_DATE_EPOCH: 'now' },
      })
      expect(result.code).toBe(2)
      expect(result.stderr).toContain("SOURCE_DATE_EPOCH is 'now'")
    })
  })

  describe('validate', () => {
    it('says that a spec is valid', async () => {
      expect(await run('validate', await spec(VALID))).toEqual({ code: 0, stdout: 'app.spec.ts: valid', stderr: '' })
    })

    it('names every mistake of every spec', async () => {
      const one = await spec(`export default { from: 7, steps: [{ run: '' }] }`, 'one.spec.ts')
      const two = await spec(`export default { form: 'x' }`, 'two.spec.ts')
      const { code, stderr } = await run('validate', one, two)
      expect(code).toBe(2)
      for (const mistake of [
        'one.spec.ts has 2 mistakes',
        'steps[0] (run)',
        'two.spec.ts has 2 mistakes',
        "'form' is not",
      ]) {
        expect(stderr).toContain(mistake)
      }
    })
  })

  describe('plan and inspect', () => {
    it('plan shows base, steps, what they would lay, normalisers and tags, and builds nothing', async () => {
      const name = await spec(`export default {
        from: 'oci:base', tags: ['localhost:5000/app:1'], normalise: { 'machine-id': false },
        steps: [{ copy: 'app.spec.ts', to: '/' }, { run: ['a', 'b'] }] }`)
      await bake(['build', await spec(VALID, 'base.spec.ts'), '-o', 'oci:base'], {
        cache: join(folder, 'cache'),
        cwd: folder,
      })
      const { code, stdout, stderr } = await run('plan', name)
      expect(code, stderr).toBe(0)
      for (const line of [
        /^base {4}oci:base sha256:/m,
        /^step 1 {2}copy/m,
        /1 file, \d+ B/,
        /machine-id: turned off/,
        /^tag {5}localhost:5000\/app:1$/m,
      ]) {
        expect(stdout).toMatch(line)
      }
      expect(stderr).toBe('')
    })

    it('inspect shows an image and its files', async () => {
      await bake(['build', await spec(VALID), '-o', 'oci:look:1'], { cache: join(folder, 'cache'), cwd: folder })
      const { stdout } = await run('inspect', 'oci:look:1', '--files')
      expect(stdout).toMatch(/^config {4}User "1"$/m)
      expect(stdout).toMatch(/^file {6}0644 0:0 {18}2 \/etc\/motd$/m)
      const json = JSON.parse((await run('inspect', 'oci:look:1', '--json', '--files')).stdout)
      expect(json.files.map((file: { path: string }) => file.path)).toEqual(['/etc', '/etc/motd'])
    })

    it.each([
      ['oci:nowhere', 1, /BASE_NOT_FOUND/],
      ['scratch', 2, /'scratch' is no image/],
      ['Bad Ref', 2, /REFERENCE_INVALID/],
    ])('inspect refuses %s', async (reference, code, message) => {
      const result = await run('inspect', reference)
      expect(result.code).toBe(code)
      expect(result.stderr).toMatch(message)
    })
  })

  describe('cache', () => {
    describe('after a build', () => {
      const cache = () => join(folder, 'bounded')
      const build = async (name: string, ...args: string[]) =>
        await runCli(['build', name, ...args], { cache: cache(), cwd: folder })
      const blobs = async () => await readdir(join(cache(), 'store/blobs/sha256'))
      const SAID = /The cache may have 10\.0 kB: removed [\d.]+ kB of what was not used for longest, kept [\d.]+ kB\./

      beforeAll(async () => {
        await spec(NOISE, 'noise.spec.ts')
        await spec(VALID, 'bound.spec.ts')
        for (const name of ['noise.spec.ts', 'bound.spec.ts']) expect((await build(name)).code).toBe(0)
        const then = new Date(Date.now() - 3_600_000)
        for (const path of await filesOf(join(cache(), 'store'))) await utimes(join(cache(), 'store', path), then, then)
      })

      it.each([
        [{ OCIBAKE_CACHE_MAX_SIZE: '10 bananas' }, [], /OCIBAKE_CACHE_MAX_SIZE: '10 bananas' is no size/],
        [{ OCIBAKE_CACHE_MAX_SIZE: '1GB' }, ['--cache-max-size=-1'], /--cache-max-size: '-1' is no size/],
      ])('refuses what is no size: %o %j', async (env, args, message) => {
        const { code, stderr } = await runCli(['build', 'bound.spec.ts', ...args], { cache: cache(), cwd: folder, env })
        expect(code).toBe(2)
        expect(stderr).toMatch(message)
      })

      it('has what it had when it may have that, or whatever it likes', async () => {
        const before = await blobs()
        for (const args of [[], ['--cache-max-size', 'none'], ['--cache-max-size', '1MB']]) {
          const { code, stderr } = await build('bound.spec.ts', ...args)
          expect(code, stderr).toBe(0)
          expect(stderr).not.toContain('The cache may have')
        }
        expect(await blobs()).toEqual(before)
      })

      it('has what the build used, and no more of all else than it may have', async () => {
        const before = await blobs()
        const first = await build('bound.spec.ts', '--cache-max-size', '10kB')
        expect(first.code, first.stderr).toBe(0)
        expect(first.stderr).toMatch(SAID)
        expect((await blobs()).length).toBeLessThan(before.length)
        const second = await build('bound.spec.ts', '--cache-max-size', '1B')
        expect(second.stdout).toBe(first.stdout)
        expect(second.stderr).toContain('nothing changed')
      })
    })

    it('lists, verifies and prunes', async () => {
      const digest = await bake(['build', await spec(VALID)], { cache: join(folder, 'cache'), cwd: folder })
      expect((await run('cache', 'ls')).stdout).toContain(digest)
      expect((await run('cache', 'verify')).code).toBe(0)
      await writeFile(join(folder, 'cache/store/blobs/sha256', digest.slice(7)), 'damaged')
      const damaged = await run('cache', 'verify')
      expect(damaged.code).toBe(1)
      expect(damaged.stderr).toContain(`blob ${digest}`)
      expect((await run('cache', 'prune', '--older-than', '1h')).stdout).toBe('0 B')
      expect((await run('cache', 'prune')).code).toBe(0)
      expect((await run('cache', 'ls')).stdout).toBe('')
    })
  })
})
