/** Needs root, to be root and to become an ordinary user, and Debian's busybox-static. */
import { spawn } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import {
  chmodSync,
  chownSync,
  copyFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { Store } from '../../src/oci/store.ts'
import { cliProgram } from '../support/cli.ts'
import { newerProot } from '../support/newer-proot.ts'
import { AS_NOBODY, NOBODY } from '../support/ordinary-user.ts'

/** Where Debian's mirror has one that is new enough. */
const proot = await newerProot()

const SANDBOXES = [
  { sandbox: 'chroot', user: 0, under: [] },
  { sandbox: 'userns', user: NOBODY, under: AS_NOBODY },
  { sandbox: 'ptrace', user: NOBODY, under: AS_NOBODY },
  ...(proot === undefined ? [] : [{ sandbox: 'proot', user: NOBODY, under: AS_NOBODY }]),
]

interface Ending {
  readonly ending: string
  /** The script's last words; `forever` does not end by itself. */
  readonly last: string
  readonly timeout?: string
  /** Sent when the script is up: Ctrl-C to the whole process group, as a terminal does. */
  readonly signal?: 'SIGINT' | 'SIGTERM' | 'SIGKILL'
  readonly code: number | null
}

const ENDINGS: readonly Ending[] = [
  { ending: 'success', last: 'true', code: 0 },
  { ending: 'failure', last: 'exit 3', code: 1 },
  { ending: 'a timeout', last: 'forever', timeout: '3s', code: 1 },
  { ending: 'Ctrl-C', last: 'forever', signal: 'SIGINT', code: 130 },
  { ending: 'SIGTERM', last: 'forever', signal: 'SIGTERM', code: 143 },
  { ending: 'SIGKILL of ocibake itself', last: 'forever', signal: 'SIGKILL', code: null },
]

const CELLS = SANDBOXES.flatMap((place) => ENDINGS.map((ending) => ({ ...place, ...ending })))
type Cell = (typeof CELLS)[number]

let outer = ''
beforeAll(async () => {
  outer = await mkdtemp(join(tmpdir(), 'ocibake-leftovers-'))
  chmodSync(outer, 0o755)
  const bin = join(outer, 'rootfs/bin')
  mkdirSync(bin, { recursive: true })
  copyFileSync('/bin/busybox', join(bin, 'busybox'))
  chmodSync(join(bin, 'busybox'), 0o755)
  for (const name of ['sh', 'sleep', 'setsid', 'mkdir', 'mkfifo', 'nc']) symlinkSync('busybox', join(bin, name))
})
afterAll(() => rm(outer, { recursive: true, force: true }))

/** Daemons, some of which no polite signal ends, a folder that is closed to everybody, a pipe that is open. */
function script(mark: string, last: string): string[] {
  return [
    `setsid sleep ${mark} &`,
    `(trap '' TERM INT HUP QUIT; setsid sh -c "trap '' TERM INT HUP QUIT; sleep ${mark}" &)`,
    `mkfifo /pipe; (sleep ${mark} > /pipe &)`,
    'mkdir -p /closed/within; echo x > /closed/within/file; mkdir -m 0 /closed/shut',
    last === 'forever' ? `echo up; sleep ${mark}` : `echo up; ${last}`,
  ]
}

/** Builds in a folder of its own, ended as the cell says. @returns where, and how it ended */
async function build(cell: Cell, mark: string) {
  const folder = await mkdtemp(join(outer, 'home-'))
  const temporary = join(folder, 'tmp')
  mkdirSync(temporary)
  const { timeout, last } = cell
  const steps = [
    { copy: '../rootfs', to: '/' },
    { run: script(mark, last), ...(timeout && { timeout }) },
  ]
  writeFileSync(join(folder, 'app.spec.json'), JSON.stringify({ from: 'scratch', steps }))
  for (const path of [folder, temporary]) chownSync(path, cell.user, cell.user)
  const output = ['--sandbox', cell.sandbox, '--allow-inexact-ownership', '-o', 'rootfs:out.tar', '--progress', 'json']
  const [program, ...args] = [...cell.under, process.execPath, await cliProgram(), 'build', 'app.spec.json', ...output]
  const env = {
    PATH: `${proot}:${process.env.PATH}`,
    HOME: folder,
    TMPDIR: temporary,
    OCIBAKE_CACHE_DIR: join(folder, 'store'),
  }
  const child = spawn(program!, args, { cwd: folder, env, detached: true, stdio: ['ignore', 'ignore', 'pipe'] })
  let said = ''
  let running: string[] = []
  createInterface({ input: child.stderr }).on('line', (line) => {
    said += `${line}\n`
    if (!line.includes('"line":"up"')) return
    running = processesOf(folder, mark)
    if (cell.signal !== undefined) process.kill(cell.signal === 'SIGINT' ? -child.pid! : child.pid!, cell.signal)
  })
  const [code] = await once(child, 'close')
  expect(code, said).toBe(cell.code)
  if (cell.last === 'forever') expect(running.length).toBeGreaterThan(1)
  return folder
}

/** By what they run, where they are, and what is `/` for them. */
function processesOf(folder: string, mark: string): string[] {
  const attempt = (read: () => string) => {
    try {
      return read()
    } catch {
      return ''
    }
  }
  return readdirSync('/proc').flatMap((pid) => {
    if (!/^\d+$/.test(pid)) return []
    const command = attempt(() => readFileSync(`/proc/${pid}/cmdline`, 'latin1')).replaceAll('\0', ' ')
    const places = ['cwd', 'root', 'exe'].map((name) => attempt(() => readlinkSync(`/proc/${pid}/${name}`)))
    return [command, ...places].some((text) => text.includes(folder) || text.includes(mark))
      ? [`${pid} ${command}`]
      : []
  })
}

describe.concurrent('nothing is left of a script', () => {
  it.each(CELLS)('in $sandbox, after $ending', async (cell) => {
    // Seconds that a process of the script would sleep, and how it is known.
    const mark = `7${randomInt(1e8, 1e9)}`
    const folder = await build(cell, mark)
    // Nobody can wait for what dies with a killed process.
    await vi.waitFor(() => expect(processesOf(folder, mark)).toEqual([]), { timeout: 30_000 })
    expect(readFileSync('/proc/self/mountinfo', 'utf8')).not.toContain(folder)
    if (cell.signal === 'SIGKILL') await (await Store.open(join(folder, 'store'))).close()
    expect(readdirSync(join(folder, 'store/tmp'))).toEqual([])
    expect(readdirSync(join(folder, 'tmp'))).toEqual([])
    const made = cell.code === 0 ? ['out.tar'] : []
    expect(readdirSync(folder).sort()).toEqual(['app.spec.json', ...made, 'store', 'tmp'])
  })
})
