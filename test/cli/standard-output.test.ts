/** Outputs whose path is `-`, taken by the programs that people pipe images to. */
import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Bakery, temporaryIn } from '../support/bakery.ts'
import { cliProgram, runCli } from '../support/cli.ts'
import { skopeoInspect } from '../support/skopeo.ts'

const DIGEST = /^sha256:[0-9a-f]{64}$/m

let bakery: Bakery

beforeAll(async () => {
  bakery = await Bakery.open()
  writeFileSync(bakery.at('noise'), randomBytes(3 << 20))
  writeFileSync(bakery.at('a.spec.json'), JSON.stringify({ from: bakery.base, steps: [{ copy: 'noise', to: '/' }] }))
  writeFileSync(bakery.at('b.spec.json'), JSON.stringify({ from: 'scratch', steps: [] }))
}, 60_000)

afterAll(() => bakery?.close())

/** Runs `ocibake build a.spec.json …` in a line of bash, where it is `"$@"`. */
const inShell = (line: string, ...args: string[]) => {
  const under = ['bash', '-o', 'pipefail', '-c', line, 'bash']
  return runCli(['build', 'a.spec.json', ...args], { cache: bakery.cache, cwd: bakery.folder, under })
}

describe('an output to stdout', () => {
  it.each(['rootfs:-', 'oci-archive:-', 'oci-archive:-:1', 'docker-archive:-', 'docker-archive:-:app:1'])(
    '%s has the bytes of the file, and the digest is on stderr',
    async (output) => {
      const named = await inShell('"$@"', '-o', output.replace(':-', ':named.tar'))
      expect(named.code, named.stderr).toBe(0)
      for (const line of ['"$@" | cat >got.tar', '"$@" >got.tar', '"$@" | (sleep 0.5; cat) >got.tar']) {
        const { code, stderr } = await inShell(line, '-o', output)
        expect(code, stderr).toBe(0)
        expect(stderr.split('\n').at(-1)).toBe(named.stdout)
        expect(readFileSync(bakery.at('got.tar')).equals(readFileSync(bakery.at('named.tar'))), line).toBe(true)
      }
    },
  )

  it('is appended to a file that the shell appends to', async () => {
    writeFileSync(bakery.at('more.tar'), 'before')
    const { code, stderr } = await inShell('"$@" >>more.tar', '-o', 'rootfs:-')
    expect(code, stderr).toBe(0)
    expect(readFileSync(bakery.at('more.tar')).subarray(0, 6).toString()).toBe('before')
  })

  it('is unpacked by tar and loaded by podman', async ({ skip }) => {
    mkdirSync(bakery.at('root'))
    expect((await inShell('"$@" | tar -x -C root', '-o', 'rootfs:-')).code).toBe(0)
    expect(readFileSync(bakery.at('root/noise')).equals(readFileSync(bakery.at('noise')))).toBe(true)
    const podman = `podman --root ${bakery.at('pods')} --runroot ${bakery.at('pods-run')} --storage-driver vfs`
    if (spawnSync('sh', ['-c', `${podman} info`]).status !== 0) {
      if (process.env.CI !== undefined) throw new Error('podman does not work here')
      skip('podman does not work here')
    }
    const loaded = await inShell(`"$@" | ${podman} load --quiet`, '-o', 'docker-archive:-:localhost/app:1')
    expect(loaded.code, loaded.stderr).toBe(0)
    expect(loaded.stdout).toContain('localhost/app:1')
    execFileSync('sh', ['-c', `${podman} rmi --all --force`])
  })

  it('stands beside outputs to files, and behind them', async () => {
    const { code, stderr } = await inShell('"$@" >beside.tar', '-o', 'oci-archive:-:1', '-o', 'oci:beside:1')
    expect(code, stderr).toBe(0)
    const digest = (await skopeoInspect(`oci:${bakery.at('beside')}:1`)).Digest
    expect((await skopeoInspect(`oci-archive:${bakery.at('beside.tar')}:1`)).Digest).toBe(digest)
    expect(stderr.indexOf('oci:beside:1')).toBeLessThan(stderr.indexOf('oci-archive:-:1'))
  })

  it('with --progress json has its result as the last line of stderr', async () => {
    const { code, stderr } = await inShell('"$@" >got.tar', '-o', 'rootfs:-', '--progress', 'json')
    expect(code, stderr).toBe(0)
    const lines = stderr.split('\n').map((line) => JSON.parse(line))
    expect(lines.at(-1)).toMatchObject({ digest: expect.stringMatching(DIGEST), outputs: ['rootfs:-'] })
    expect(lines.slice(0, -1).every(({ type }) => typeof type === 'string')).toBe(true)
  })
})

describe('stdout is refused', () => {
  it('if it is a terminal', async () => {
    const program = await cliProgram()
    const line = `'${process.execPath}' '${program}' build a.spec.json -o rootfs:- --cache-dir '${bakery.cache}/store'`
    const { status, stdout } = spawnSync('script', ['-qec', line, '/dev/null'], {
      cwd: bakery.folder,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    expect(status, stdout).toBe(2)
    expect(stdout).toMatch(/^USAGE\r?\n {2}rootfs:- would write an archive to the terminal\./m)
    expect(stdout.length).toBeLessThan(1000)
  })

  it.each([
    ['a.spec.json', '-o', 'rootfs:-', '-o', 'docker-archive:-'],
    ['a.spec.json', '-o', 'rootfs:-', '-o', 'rootfs:-'],
    ['a.spec.json', 'b.spec.json', '-o', 'rootfs:-'],
  ])('for a second output: %s %s %s %s %s', async (...args) => {
    const words = args.filter((word) => word !== undefined)
    const { code, stdout, stderr } = await bakery.run(['build', ...words])
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toMatch(/^USAGE\n.*both go to stdout, which takes one output\./)
  })
})

describe('a reader', () => {
  it('that leaves ends the build with an error', async () => {
    const { code, stderr } = await inShell('"$@" | head -c 1000 >/dev/null', '-o', 'rootfs:-')
    expect(code, stderr).toBe(1)
    expect(stderr).toMatch(/^OUTPUT_FAILED\n {2}Whoever reads rootfs:- stopped before the end\.\n {2}-> \S/m)
    expect(stderr).not.toMatch(DIGEST)
    expect(temporaryIn(bakery.cache)).toEqual([])
  })

  it('whose disk is full makes a build fail', async () => {
    const { code, stderr } = await inShell('"$@" >/dev/full', '-o', 'rootfs:-')
    expect(code, stderr).toBe(1)
    expect(stderr).toMatch(/^DISK_FULL\n {2}No space is left to write stdout\./m)
  })

  it('that takes nothing does not keep a build that is stopped', async () => {
    const args = [await cliProgram(), 'build', 'a.spec.json', '-o', 'rootfs:-', '--progress', 'json']
    const env = { PATH: process.env.PATH, HOME: bakery.folder, OCIBAKE_CACHE_DIR: `${bakery.cache}/store` }
    const child = spawn(process.execPath, args, { cwd: bakery.folder, env, stdio: ['ignore', 'pipe', 'pipe'] })
    const errors: string[] = []
    createInterface({ input: child.stderr }).on('line', (line) => {
      errors.push(line)
      // By then the pipe is full.
      if (line.includes('"image-built"')) setTimeout(() => child.kill('SIGTERM'), 300)
    })
    const [code, signal] = await once(child, 'exit')
    child.stdout.destroy()
    expect({ code, signal }, errors.join('\n')).toEqual({ code: 143, signal: null })
    expect(JSON.parse(errors.at(-1)!)).toMatchObject({ code: 'INTERRUPTED' })
    expect(temporaryIn(bakery.cache)).toEqual([])
  })
})

it('a file that is called - is one when it is named with its folder', async () => {
  const { code, stdout, stderr } = await bakery.run(['build', 'a.spec.json', '-o', 'rootfs:./-'])
  expect(code, stderr).toBe(0)
  expect(stdout).toMatch(DIGEST)
  expect(existsSync(bakery.at('-'))).toBe(true)
})
