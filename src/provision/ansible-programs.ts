import { lstat, mkdtemp, realpath, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { OcibakeError } from '../errors.ts'
import { digestOf } from '../oci/digest.ts'
import type { Store } from '../oci/store.ts'
import { findProgram } from './find-program.ts'
import { isSettled, stampOf } from './known-files.ts'

/** The absolute host path of one of Ansible's programs. @throws TOOL_MISSING */
export async function ansibleProgram(
  name: 'ansible-playbook' | 'ansible-galaxy',
  env: Readonly<Record<string, string | undefined>>,
): Promise<string> {
  const path = await findProgram(name, env)
  if (path !== undefined) return path
  throw new OcibakeError('TOOL_MISSING', `An ansible step needs ${name}, which is not on the PATH of this machine.`, {
    hint: 'Run: apt-get install ansible-core (or: pipx install ansible-core). The image itself needs no Ansible.',
  })
}

/** The host folder of our plugins of that kind. */
export function ownPlugins(kind: 'become' | 'callback' | 'connection'): string {
  // The same two folders up from src/provision/ and from dist/provision/.
  return fileURLToPath(new URL(`../../ansible/${kind}`, import.meta.url))
}

/** What the version of Ansible is found by. */
export interface VersionTools {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly store: Pick<Store, 'get' | 'set'>
}

/**
 * The first line of `ansible-playbook --version`, which names the program and its version; asked for again only when the
 * program is another file. @throws TOOL_MISSING
 */
export async function ansibleVersion({ env, store }: VersionTools): Promise<string> {
  const path = await ansibleProgram('ansible-playbook', env)
  const now = Date.now()
  const stat = await lstat(await realpath(path), { bigint: true })
  const found = { ...stat, size: Number(stat.size) }
  const key = digestOf(`ocibake version of ${path}`)
  const seen = (await store.get(key)) as { stamp: string; version: string } | undefined
  const stamp = isSettled(found, now) ? stampOf(found) : undefined
  if (seen !== undefined && seen.stamp === stamp) return seen.version
  const version = await askAnsibleVersion(path, env)
  if (stamp !== undefined) await store.set(key, { stamp, version })
  return version
}

/** The first line of what the program at `path` says of its version. @throws TOOL_FAILED */
export async function askAnsibleVersion(path: string, env: VersionTools['env']): Promise<string> {
  const { execa } = await import('execa')
  // It makes folders wherever it believes itself at home.
  const home = await mkdtemp(join(tmpdir(), 'ocibake-ansible-'))
  try {
    const places = { HOME: home, ANSIBLE_HOME: home, ANSIBLE_LOCAL_TEMP: home, TMPDIR: home }
    const clean = { PATH: env.PATH, LC_ALL: 'C.UTF-8', PYTHONDONTWRITEBYTECODE: '1', ...places }
    const options = { env: clean, extendEnv: false, cwd: home, reject: false, stdin: 'ignore' } as const
    const { exitCode, stdout, stderr } = await execa(path, ['--version'], options)
    if (exitCode === 0) return stdout.split('\n')[0]!
    throw new OcibakeError('TOOL_FAILED', `${path} --version ended with exit code ${exitCode}: ${stderr}`, {
      hint: 'See that it runs by hand: ansible-playbook --version',
    })
  } finally {
    await rm(home, { recursive: true, force: true })
  }
}
