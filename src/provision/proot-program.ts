import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { findProgram } from './find-program.ts'
import type { SandboxRefusal } from './sandbox.ts'

/** What proot is run with: a bug in it must not hang a probe for ever. */
const PATIENCE = 20_000
const HINT = 'Install proot 5.4 or newer (Debian 14; the 5.1.0 of Debian 12 and 13 will not do).'

/** A proot that translates paths as it should, and what ends it when we are killed. Absolute host paths. */
export interface ProotProgram {
  readonly proot: string
  /** setpriv(1) of util-linux. */
  readonly setpriv: string
}

/**
 * Variables that proot itself reads, which its scripts see, too. Without acceleration: on Linux 6.18 the one of 5.4
 * lets the first program look at the host's files.
 */
export function prootEnvironment(temporary: string): Record<string, string> {
  return { PROOT_NO_SECCOMP: '1', PROOT_TMP_DIR: temporary }
}

/** The proot on the PATH of `env`, if it is 5.4 or newer and passes a test below `folder`. */
export async function findProot(
  folder: string,
  env: Readonly<Record<string, string | undefined>>,
): Promise<ProotProgram | SandboxRefusal> {
  const proot = await findProgram('proot', env)
  if (proot === undefined) return { missing: 'There is no proot on the PATH', hint: HINT }
  const setpriv = await findProgram('setpriv', env)
  if (setpriv === undefined) {
    return { missing: 'There is no setpriv on the PATH, which ends proot with us', hint: 'Install util-linux.' }
  }
  const version = await prootVersion(proot)
  if (version !== undefined && isOld(version)) {
    return { missing: `${proot} is ${version}; before 5.4 it shows scripts the files of the host`, hint: HINT }
  }
  const fault = await selfTest(proot, folder)
  return fault === undefined ? { proot, setpriv } : { missing: `${proot} fails its test (${fault})`, hint: HINT }
}

/** What the program says; undefined where it says none, as Debian's 5.4 does. */
export async function prootVersion(proot: string): Promise<string | undefined> {
  const { execa } = await import('execa')
  const { stdout, stderr } = await execa(proot, ['--version'], { reject: false, timeout: PATIENCE })
  return /\b\d+\.\d+(\.\d+)?\b/.exec(`${stdout}${stderr}`.split('\nbuilt-in')[0]!)?.[0]
}

function isOld(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  return major < 5 || (major === 5 && minor < 4)
}

/** Asks in the root by statx(2), which old ones do not know, for a file that is only there, and for our user id. */
const TEST = "require('node:fs').statSync('/ocibake-test/marker'); if (process.getuid() !== 0) throw new Error()"

/** In the host's own root, where the one program is that is surely there: Node. @returns what went wrong */
async function selfTest(proot: string, folder: string): Promise<string | undefined> {
  const place = await mkdtemp(join(folder, 'proot-'))
  try {
    await writeFile(join(place, 'marker'), '')
    const args = ['--kill-on-exit', '-r', '/', '-b', `${place}:/ocibake-test`, '-i', '0:0', '-w', '/']
    const { execa } = await import('execa')
    const { exitCode, shortMessage, stderr } = await execa(proot, [...args, process.execPath, '-e', TEST], {
      env: prootEnvironment(place),
      extendEnv: false,
      reject: false,
      timeout: PATIENCE,
      killSignal: 'SIGQUIT',
    })
    if (exitCode === 0) return undefined
    return /^proot error: .*$/m.exec(stderr)?.[0] ?? (exitCode === undefined ? shortMessage : `exit code ${exitCode}`)
  } finally {
    await rm(place, { recursive: true, force: true })
  }
}
