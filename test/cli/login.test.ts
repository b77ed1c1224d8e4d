import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { execa } from 'execa'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { cliProgram, runCli } from '../support/cli.ts'
import { testFolder } from '../support/folder.ts'
import { REGISTRY_USER, startRegistry, type TestRegistry } from '../support/registry.ts'

const { username, password } = REGISTRY_USER

describe('ocibake login', () => {
  let registry: TestRegistry
  beforeAll(async () => {
    registry = await startRegistry({ auth: 'token' })
  })
  afterAll(() => registry.stop())

  /** Runs the command with `input` on its stdin, by a terminal if `tty` says so. */
  async function ocibake(home: string, args: readonly string[], input: string, tty = false) {
    const command = [process.execPath, await cliProgram(), ...args]
    const [program, ...rest] = tty ? ['script', '-qec', command.join(' '), '/dev/null'] : command
    const child = execa(program!, rest, {
      env: { PATH: process.env.PATH, HOME: home, TERM: 'dumb' },
      extendEnv: false,
      reject: false,
      all: true,
      ...(!tty && { input }),
    })
    if (tty) {
      // Typed when it is asked for: what comes before is shown by the terminal itself.
      const typed = input.split('\n')
      child.stdout.on('data', (chunk: Buffer) => {
        if (/(User name|Password) for [^:]+(:\d+)?: $/.test(chunk.toString())) child.stdin.write(`${typed.shift()}\r`)
      })
    }
    const { exitCode, all, stdout } = await child
    return { code: exitCode, all, stdout }
  }

  test('keeps what skopeo reads, and logout takes it away again', async () => {
    const home = await testFolder()
    const args = ['login', registry.host, '--username', username, '--password-stdin']
    const { code, stdout } = await ocibake(home, args, `${password}\n`)
    const file = join(home, '.docker/config.json')
    expect({ code, stdout }).toEqual({ code: 0, stdout: `${registry.host}: logged in as 'baker'; kept in ${file}` })
    const asked = await execa('skopeo', ['login', '--get-login', '--authfile', file, registry.host])
    expect(asked.stdout).toBe(username)
    expect((await ocibake(home, ['logout', registry.host], '')).stdout).toBe(
      `${registry.host}: logged out; gone from ${file}`,
    )
    expect(JSON.parse(await readFile(file, 'utf8'))).toEqual({ auths: {} })
    expect((await ocibake(home, ['logout', '--all'], '')).all).toBe('Nobody is logged in anywhere.')
  })

  test('asks at the terminal, and does not show the password', async () => {
    const home = await testFolder()
    const { code, all } = await ocibake(home, ['login', registry.host], `${username}\n${password}\n`, true)
    expect(all).toContain(`logged in as 'baker'`)
    expect(code).toBe(0)
    expect(all).not.toContain(password)
  })

  test('keeps nothing that the registry refuses, unless it is not to be asked', async () => {
    const home = await testFolder()
    const args = ['login', registry.host, '-u', username, '--password-stdin', '--authfile', join(home, 'a.json')]
    const refused = await ocibake(home, args, 'wrong')
    expect(refused.code).toBe(3)
    expect(refused.all).toMatch(/REGISTRY_UNAUTHORIZED\n.*asked as 'baker' from this login/)
    await expect(readFile(join(home, 'a.json'))).rejects.toMatchObject({ code: 'ENOENT' })
    expect((await ocibake(home, [...args, '--no-verify'], 'wrong')).code).toBe(0)
    expect(await readFile(join(home, 'a.json'), 'utf8')).toContain(registry.host)
  })

  test.each([
    [['login', 'ghcr.io'], 'There is no terminal to ask'],
    [['login', 'ghcr.io', '--password-stdin'], '--password-stdin needs --username'],
    [['login', 'ghcr.io', '-u', 'me', '--password-stdin'], 'The password is empty.'],
    [['login', 'ghcr.io', '-u', 'me', '-p', 'hunter2'], "unknown option '-p'"],
    [['logout', 'ghcr.io', '--all'], 'a registry or --all'],
  ])('%j is a mistake of the command line', async (args, words) => {
    const { code, stderr } = await runCli(args, { cache: await testFolder() })
    expect(code).toBe(2)
    expect(stderr).toContain(words)
    expect(stderr).not.toContain('hunter2')
  })
})
