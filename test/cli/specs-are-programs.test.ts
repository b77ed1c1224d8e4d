import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { temporaryIn } from '../support/bakery.ts'
import { cliProgram, runCli } from '../support/cli.ts'

const SPEC = `{ from: 'scratch', steps: [{ write: '/a', text: 'a' }] }`

describe('a spec that is a program', () => {
  let folder: string
  const run = async (command: string, text: string, ...args: string[]) => {
    await writeFile(join(folder, 'app.spec.ts'), text)
    return await runCli([command, 'app.spec.ts', ...args], { cache: join(folder, 'cache'), cwd: folder })
  }
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'ocibake-program-'))
  })
  afterAll(() => rm(folder, { recursive: true }))

  it.each([
    ['console.log("heard")'],
    ['console.info("heard"); console.dir({})'],
    ['import own from "node:console"; own.table(["heard"])'],
  ])('keeps off stdout: %s', async (talk) => {
    const { code, stdout, stderr } = await run('build', `${talk}\nexport default ${SPEC}`)
    expect(code, stderr).toBe(0)
    expect(stdout).toMatch(/^sha256:[0-9a-f]{64}$/)
    expect(stderr).toContain('heard')
  })

  it.each([
    ['never loads', `await new Promise(() => {})\nexport default ${SPEC}`],
    ['exports a function that never returns', `export default () => new Promise(() => {})`],
  ])('and %s is a mistake of the spec', async (_, text) => {
    for (const command of ['build', 'validate']) {
      const { code, stdout, stderr } = await run(command, text)
      expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
      expect(stderr).toMatch(/^SPEC_UNREADABLE\n {2}app\.spec\.ts never finishes loading/)
      expect(stderr).not.toContain('Warning')
    }
  })

  it.each([
    ['SIGINT', 'build', `console.error('busy'); while (true) {}`],
    ['SIGTERM', 'build', `export default () => { console.error('busy'); while (true) {} }`],
    ['SIGHUP', 'validate', `export default () => { console.error('busy'); while (true) {} }`],
    ['SIGTERM', 'plan', `console.error('busy'); await new Promise((go) => setTimeout(go, 1e6))`],
  ] as const)('and never ends is ended by %s, in a %s', async (signal, command, text) => {
    await writeFile(join(folder, 'app.spec.ts'), text)
    const cache = join(folder, 'cache-of-endless')
    const args = [await cliProgram(), command, 'app.spec.ts']
    const env = { PATH: process.env.PATH, HOME: cache, OCIBAKE_CACHE_DIR: join(cache, 'store') }
    const child = spawn(process.execPath, args, { cwd: folder, env, stdio: ['ignore', 'ignore', 'pipe'] })
    onTestFinished(() => void child.kill('SIGKILL'))
    const ended = once(child, 'exit')
    child.stderr.on('data', () => child.kill(signal))
    expect(await ended).toEqual([null, signal])
    expect(temporaryIn(cache)).toEqual([])
  })

  it('may take its time', async () => {
    const slow = `await new Promise((go) => setTimeout(go, 200))\nexport default ${SPEC}`
    expect(await run('validate', slow)).toEqual({ code: 0, stdout: 'app.spec.ts: valid', stderr: '' })
  })

  it('may still be at something when the command is done', async () => {
    const busy = `setTimeout(() => console.error('late'), 300)\nexport default ${SPEC}`
    expect(await run('validate', busy)).toMatchObject({ code: 0, stderr: 'late' })
  })

  it('loses nothing of what the command prints to somebody who reads slowly', async () => {
    const steps = `Array.from({ length: 6000 }, (_, i) => ({ write: '/a/file/' + i, text: 'a' }))`
    const text = `export default { from: 'scratch', steps: ${steps} }`
    const { stdout: whole } = await run('plan', text)
    // More than a pipe holds.
    expect(whole.length).toBeGreaterThan(100_000)
    const slowly = ['sh', '-c', '"$@" | { sleep 1; cat; }', 'sh']
    const options = { cache: join(folder, 'cache'), cwd: folder, under: slowly }
    expect((await runCli(['plan', 'app.spec.ts'], options)).stdout === whole).toBe(true)
  })

  it('may stand beside any package.json, and warn of what it finds', async () => {
    await writeFile(join(folder, 'package.json'), '{ "name": "theirs" }')
    const { stdout, stderr } = await run('validate', `process.emitWarning("theirs")\nexport default ${SPEC}`)
    expect(stdout).toBe('app.spec.ts: valid')
    expect(stderr).toMatch(/^\(node:\d+\) Warning: theirs\n.*--trace-warnings.*$/)
  })

  it.each([
    ['process.exit(0)', 0],
    ['import { exit } from "node:process"; exit(7)', 7],
  ])('and ends the process by %s is no success', async (end, exitCode) => {
    const { code, stdout, stderr } = await run('build', `${end}\nexport default ${SPEC}`)
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toMatch(/^SPEC_UNREADABLE\n/)
    expect(stderr).toContain(`(exit code ${exitCode})`)
  })

  it('fails in JSON too', async () => {
    const { stdout, stderr } = await run('build', 'process.exit(0)', '--progress', 'json')
    expect(stdout).toBe('')
    expect(JSON.parse(stderr)).toMatchObject({ type: 'error', code: 'SPEC_UNREADABLE', exitCode: 2 })
  })
})
