/** The package as npm gives it to a user: made from a copy of this checkout, installed by npm in an empty project. */
import { execFileSync } from 'node:child_process'
import { existsSync, statSync } from 'node:fs'
import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { execa } from 'execa'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startRegistry } from '../support/registry.ts'
import { startS3 } from '../support/s3.ts'
import { skopeoInspect, tool } from '../support/skopeo.ts'
import { tarArchive } from '../support/tar-archive.ts'

const CHECKOUT = join(import.meta.dirname, '../..')
const TSC = join(CHECKOUT, 'node_modules/typescript/bin/tsc')
const TYPES = join(CHECKOUT, 'node_modules/@types')
/** What the scripts of this machine's PATH start as `node`, were this checkout's own version not in it. */
const SYSTEM_PATH = (process.env.PATH ?? '').split(delimiter).filter((folder) => !folder.includes('node_modules'))

const SPEC = `import type { Spec } from 'ocibake'

export default {
  from: 'scratch',
  steps: [
    { copy: 'root/', to: '/' },
    { link: '/bin/sh', target: 'busybox' },
    { run: ['umask 077', 'echo "made by $0" > /made'], network: 'none', timeout: '1m' },
    { own: '/made', by: '65100:65100' },
  ],
  config: { env: { PATH: '/bin' }, cmd: ['sh'] },
} satisfies Spec
`

const PROGRAM = `import { mkdtemp, rm } from 'node:fs/promises'
import { build, credentialLookup, loadSpec, makePlan, parseTransport, RegistryConnection, Store } from 'ocibake'
import type { Event } from 'ocibake'

const env = { PATH: process.env.PATH }
const events: Event[] = []
const report = (event: Event) => void events.push(event)
const plan = makePlan(await loadSpec('app.spec.ts', { vars: {}, env }), { platform: undefined, tags: [], env })
await using store = await Store.open('library-cache')
const connection = new RegistryConnection({
  credentials: credentialLookup({ env, home: process.cwd() }),
  insecureRegistries: new Set(),
  report,
  userAgent: 'test/1',
})
const signal = AbortSignal.timeout(60_000)
const outputs = [parseTransport('oci:by-library')]
const { image } = await build(plan, { store, connection, push: false, outputs, sandbox: 'auto', env, report, signal })
connection.close()
if (!events.some(({ type }) => type === 'image-built')) throw new Error('no event says that it was built')
console.log(image.manifest.digest)
`

let home = ''
let project = ''
let packed: { readonly path: string; readonly size: number; readonly mode: number }[] = []
let size = 0

/** With this Node first in PATH, as the shell of somebody who has installed it. */
function inProject(program: string, args: readonly string[], path: readonly string[] = [dirname(process.execPath)]) {
  const env = { PATH: [...path, ...SYSTEM_PATH].join(delimiter), OCIBAKE_CACHE_DIR: join(home, 'cache'), NODE_PATH: '' }
  return execa(program, args, { cwd: project, env, stdin: 'ignore', reject: false })
}

async function pack(): Promise<string> {
  const copy = join(home, 'checkout')
  // prepack empties dist/, which other tests use meanwhile.
  await mkdir(copy)
  for (const name of await readdir(CHECKOUT)) {
    if (!/^(\.|node_modules$|dist$|out$)/.test(name)) {
      await cp(join(CHECKOUT, name), join(copy, name), { recursive: true })
    }
  }
  await rm(join(copy, 'native/bin'), { recursive: true, force: true })
  await symlink(join(CHECKOUT, 'node_modules'), join(copy, 'node_modules'))
  const packing = ['pack', '--json', '--foreground-scripts=false', '--pack-destination', home]
  const { stdout } = await execa('npm', packing, { cwd: copy })
  const [made] = JSON.parse(stdout)
  packed = made.files
  size = made.size
  return join(home, made.filename)
}

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'ocibake-package-'))
  project = join(home, 'project')
  await mkdir(join(project, 'root/bin'), { recursive: true })
  await cp('/bin/busybox', join(project, 'root/bin/busybox'))
  await writeFile(join(project, 'app.spec.ts'), SPEC)
  await writeFile(join(project, 'program.ts'), PROGRAM)
  await writeFile(join(project, 'package.json'), '{ "private": true, "type": "module" }')
  const tarball = await pack()
  const quiet = ['--prefer-offline', '--no-audit', '--no-fund']
  await execa('npm', ['install', ...quiet, tarball], { cwd: project })
}, 180_000)

afterAll(() => rm(home, { recursive: true, force: true }))

describe('the tarball', () => {
  it('holds what is built, the sandbox programs, the documents, and nothing else', () => {
    const known =
      /^(dist\/[\w/-]+\.(c?js|d\.ts)|dist\/code\/linux-\w+-v[\d.]+\/(build|validate)-[\w-]+\.cjs|dist\/third-party\.txt|dist\/(web-tree-sitter|tree-sitter-hcl)\.wasm|native\/bin\/linux-\w+\/ocibake(-sandbox|-trace|\.node)|ansible\/(become|callback|connection)\/ocibake\.py|docs\/[\w-]+\.md|(CHANGELOG|README)\.md|LICENSE|package\.json)$/
    expect(packed.filter(({ path }) => !known.test(path))).toEqual([])
    const paths = packed.map(({ path }) => path)
    for (const path of ['dist/cli.js', 'dist/index.js', 'dist/index.d.ts', 'docs/spec.md', 'LICENSE', 'README.md']) {
      expect(paths).toContain(path)
    }
    expect(paths.filter((path) => path.startsWith('ansible/'))).toHaveLength(3)
    expect(paths.filter((path) => path.startsWith('native/'))).toEqual([
      `native/bin/linux-${process.arch}/ocibake-sandbox`,
      `native/bin/linux-${process.arch}/ocibake-trace`,
      `native/bin/linux-${process.arch}/ocibake.node`,
    ])
  })

  it('says of every library that is in its files who made it and under which licence', async () => {
    const { dependencies } = JSON.parse(await readFile(join(CHECKOUT, 'package.json'), 'utf8'))
    const text = await readFile(join(project, 'node_modules/ocibake/dist/third-party.txt'), 'utf8')
    const named = new Map(
      [...text.matchAll(/^(\S+) (\d\S+) \(([\w .-]+)\)$/gm)].map(([, name, version]) => [name, version]),
    )
    const own = Object.keys(dependencies).filter((name) => named.has(name))
    expect(own).toEqual(expect.arrayContaining(['@aws-sdk/client-s3', 'commander', 'node-fetch', 'zod']))
    for (const name of own) expect(named.get(name), name).toBe(dependencies[name])
    const compiled = await readFile(join(CHECKOUT, 'third-party/libdeflate/package.json'), 'utf8')
    expect(named.get('libdeflate')).toBe(JSON.parse(compiled).version)
    expect(text).toContain('Apache License')
    expect(text).toContain('Permission is hereby granted')
  })

  it('is small', () => {
    // Two static programs of about 400 kB each when packed, the libraries, 1.2 MB of what V8 has compiled of them, and HCL's
    // grammar: nothing else is installed for them.
    expect(size).toBeLessThan(3_500_000)
  })

  it('has programs that can be started', () => {
    const paths = packed.map(({ path }) => path)
    const startable = packed.filter(({ mode }) => (mode & 0o111) !== 0).map(({ path }) => path)
    expect(startable).toEqual(['dist/cli.js', ...paths.filter((path) => path.startsWith('native/'))])
  })

  it('names no folder of the machine that built it', async () => {
    const installed = join(project, 'node_modules/ocibake')
    for (const { path } of packed) {
      const bytes = await readFile(join(installed, path))
      for (const folder of [home, CHECKOUT]) expect(bytes.includes(`${folder}/`), path).toBe(false)
    }
  })
})

describe('the installed package', () => {
  it('npx ocibake builds a spec that imports types and runs a script, in an empty project', async () => {
    const { exitCode, stdout, stderr } = await inProject('npx', [
      'ocibake',
      'build',
      'app.spec.ts',
      '--output',
      'oci:by-npx:1',
    ])
    expect(exitCode, stderr).toBe(0)
    expect(stderr).toContain('sandbox: chroot')
    expect((await skopeoInspect(`oci:${project}/by-npx:1`)).Digest).toBe(stdout)
    await tool('umoci', ['unpack', '--image', `${project}/by-npx:1`, join(home, 'bundle')])
    expect(execFileSync('stat', ['-c', '%a %u:%g', join(home, 'bundle/rootfs/made')], { encoding: 'utf8' })).toBe(
      '600 65100:65100\n',
    )
  })

  it('a program builds the same image by the library', async () => {
    const cli = await inProject('npx', ['ocibake', 'build', 'app.spec.ts', '--output', 'oci:by-cli'])
    const library = await inProject('node', ['program.ts'])
    expect(library.exitCode, library.stderr).toBe(0)
    expect(library.stdout).toBe(cli.stdout)
    expect((await skopeoInspect(`oci:${project}/by-library`)).Digest).toBe(cli.stdout)
  })

  const tsc = (file: string, ...options: string[]) => {
    const always = ['--noEmit', '--strict', '--target', 'esnext', '--module', 'nodenext', '--verbatimModuleSyntax']
    return inProject('node', [TSC, ...always, ...options, file])
  }
  const node = ['--typeRoots', TYPES, '--types', 'node']

  it('has types by which tsc accepts the spec, with and without the types of Node', async () => {
    expect(await tsc('app.spec.ts', '--skipLibCheck')).toMatchObject({ stdout: '', exitCode: 0 })
    expect(await tsc('app.spec.ts', ...node)).toMatchObject({ stdout: '', exitCode: 0 })
  })

  it('has types by which tsc accepts the program', async () => {
    expect(await tsc('program.ts', '--lib', 'esnext', ...node)).toMatchObject({ stdout: '', exitCode: 0 })
  })

  it.each([
    ["own: '/made'", "onw: '/made'", /'onw' does not exist/],
    ["timeout: '1m'", 'timeout: true', /'true' is not assignable to type 'string \| number/],
    ["from: 'scratch'", "form: 'scratch'", /'form' does not exist|'from' is missing/],
    ["network: 'none'", "network: 'nowhere'", /"nowhere"' is not assignable/],
  ])('has types by which tsc finds the mistake in a spec: %s -> %s', async (right, wrong, message) => {
    await writeFile(join(project, 'wrong.spec.ts'), SPEC.replace(right, wrong))
    const { exitCode, stdout } = await tsc('wrong.spec.ts', '--skipLibCheck')
    expect(exitCode).not.toBe(0)
    expect(stdout).toMatch(message)
  })

  it('exports nothing that is not meant to be imported', async () => {
    const deep = await inProject('node', ['-e', "import('ocibake/dist/build.js')"])
    expect(deep.stderr).toContain('ERR_PACKAGE_PATH_NOT_EXPORTED')
  })
})

describe('the files of the package alone', () => {
  const alone = () => join(home, 'alone')
  const start = (argv: readonly string[], more: Readonly<Record<string, string>> = {}) => {
    const env = { OCIBAKE_CACHE_DIR: join(home, 'cache-alone'), NODE_PATH: '', ...more }
    return execa(process.execPath, argv, { cwd: project, env, stdin: 'ignore', reject: false })
  }

  beforeAll(() => cp(join(project, 'node_modules/ocibake'), alone(), { recursive: true }))

  it('build and send an image without any other package', async () => {
    const registry = await startRegistry()
    const s3 = await startS3()
    try {
      s3.createBucket('files')
      s3.put('files', 'root.tar', tarArchive([{ name: 'etc/app.conf', content: 'made by hand' }]))
      const spec = {
        from: 'scratch',
        steps: [{ unpack: 's3://files/root.tar', to: '/' }],
        tags: [`${registry.host}/app:1`],
      }
      await writeFile(join(project, 's3.spec.json'), JSON.stringify(spec))
      const argv = [join(alone(), 'dist/cli.js'), 'build', 's3.spec.json', '--push']
      const { exitCode, stdout, stderr } = await start(argv, s3.env)
      expect(exitCode, stderr).toBe(0)
      expect((await skopeoInspect(`docker://${registry.host}/app:1`)).Digest).toBe(stdout)
    } finally {
      await s3.stop()
      await registry.stop()
    }
  })

  it('import a template with the grammar that is beside them', async () => {
    const template = 'source "docker" "app" {\n  image = "debian"\n}\nbuild {\n  sources = ["docker.app"]\n}\n'
    await writeFile(join(project, 'packed.pkr.hcl'), template)
    const { exitCode, stderr } = await start([join(alone(), 'dist/cli.js'), 'import', 'packed.pkr.hcl'])
    expect(exitCode, stderr).toBe(0)
    expect(await readFile(join(project, 'packed.spec.ts'), 'utf8')).toContain("from: 'debian'")
  })

  it.each(['build', 'validate'])('have with them what V8 compiles of them for %s', async (command) => {
    const kept = async (env: Readonly<Record<string, string>>) => {
      const cache = await mkdtemp(join(home, 'cache-'))
      const argv = [join(alone(), 'dist/cli.js'), command, 'app.spec.ts']
      expect(await start(argv, { ...env, OCIBAKE_CACHE_DIR: cache })).toMatchObject({ exitCode: 0 })
      return existsSync(join(cache, 'code')) ? readdir(join(cache, 'code')) : []
    }
    // What V8 had refused would have been compiled and kept.
    for (const name of await kept({})) expect(name).not.toMatch(/-(main|build|build-command)\.cjs-/)
    const older = 'Object.defineProperty(process, "version", { value: "v24.0.0" })'
    const others = await kept({ NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(older)}` })
    expect(others).toContainEqual(expect.stringMatching(/-build\.cjs-/))
  })

  it('take from the cache what the same command compiled before', async () => {
    const code = join(home, 'cache-alone/code')
    const kept = async () => {
      const names = existsSync(code) ? await readdir(code) : []
      return names.filter((name) => name.includes('.cjs-')).map((name) => [name, statSync(join(code, name)).ino])
    }
    await mkdir(dirname(code), { recursive: true })
    const plan = (env?: Readonly<Record<string, string>>) =>
      start([join(alone(), 'dist/cli.js'), 'plan', 'app.spec.ts'], env)
    expect(await plan({ NODE_DISABLE_COMPILE_CACHE: '1' })).toMatchObject({ exitCode: 0 })
    expect((await kept()).filter(([name]) => String(name).startsWith('plan-'))).toEqual([])
    const first = await plan()
    const made = await kept()
    expect(made).toContainEqual([expect.stringMatching(/^plan-main\.cjs-/), expect.any(Number)])
    expect(made).toContainEqual([expect.stringMatching(/^plan-build\.cjs-/), expect.any(Number)])
    expect((await plan()).stdout).toBe(first.stdout)
    // What V8 had refused would have been written anew.
    expect(await kept()).toEqual(made)
  })

  it('show where it was when a mistake of ours comes to light', async () => {
    const broken = "data:text/javascript,performance.now = () => { throw new Error('no time at all') }"
    const { exitCode, stderr } = await start(['--import', broken, join(alone(), 'dist/cli.js'), 'build', 'app.spec.ts'])
    expect(exitCode).toBe(70)
    expect(stderr).toContain('no time at all')
    expect(stderr).toMatch(/at async fingerprint \(\/.*\/dist\/parts\/[\w-]+\.cjs:\d+:\d+\)/)
  })
})

describe('on a Node that is too old', () => {
  const MESSAGE =
    /^ocibake needs Node\.js 24 or newer; this is \d+\.\d+\.\d+\. To get it: npm install node@24 .*https:\/\/nodejs\.org\S*$/

  it('the command says so in one line', async () => {
    const older = 'Object.defineProperty(process, "versions", { value: { ...process.versions, node: "20.11.1" } })'
    const cli = join(project, 'node_modules/.bin/ocibake')
    const { exitCode, stdout, stderr } = await inProject('node', ['--import', `data:text/javascript,${older}`, cli])
    expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: '' })
    expect(stderr).toMatch(MESSAGE)
  })

  it.runIf(systemNode() < 24)('the real one of this system can load what says it', async () => {
    const { exitCode, stderr } = await inProject('npx', ['ocibake', 'build', 'app.spec.ts'], [])
    expect(exitCode).toBe(1)
    expect(stderr.replace(/^npm warn .*\n/gm, '')).toMatch(MESSAGE)
  })
})

/** The major version of the `node` in this machine's PATH that is not of this checkout. */
function systemNode(): number {
  const env = { ...process.env, PATH: SYSTEM_PATH.join(delimiter) }
  try {
    return Number.parseInt(execFileSync('node', ['-p', 'process.versions.node'], { env, encoding: 'utf8' }), 10)
  } catch {
    return Number.POSITIVE_INFINITY
  }
}
