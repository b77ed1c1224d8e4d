import { readdir, readFile } from 'node:fs/promises'
import type { DebianArchive } from './debian-archives.ts'

/**
 * How this host's apt reaches its mirrors, as texts for another apt that does not read the host's files: the
 * configuration (`apt.conf(5)`: proxies, TLS, tolerance for old mirrors) and the logins (`apt_auth.conf(5)`).
 */
export interface AptNetwork {
  readonly configuration: string
  readonly logins: string
}

const RELEVANT = /^Acquire::(?:(?:https?|socks|tor|Retries|ForceIPv[46]|Check-Valid-Until|Check-Date|By-Hash)\b)/i

/**
 * Reads it from `apt-config` and `/etc/apt/auth.conf*`; the logins that the archives' addresses held are added.
 * Both texts may hold secrets: for files of mode 0600 that are gone afterwards.
 */
export async function readAptNetwork(archives: readonly DebianArchive[]): Promise<AptNetwork> {
  const { execa } = await import('execa')
  const dump = await execa('apt-config', ['dump'], { reject: false, env: { LC_ALL: 'C' } })
  const lines = (dump.stdout ?? '').split('\n').filter((line) => RELEVANT.test(line))
  // Translations are a fifth of what `apt-get update` downloads, and the lists are thrown away.
  lines.push('Acquire::Languages "none";')
  const logins = [await hostLogins(), ...archives.map(loginLine)].filter((text) => text !== '')
  return { configuration: `${lines.join('\n')}\n`, logins: logins.map((text) => `${text}\n`).join('') }
}

function loginLine({ uri, login }: DebianArchive): string {
  return login === null ? '' : `machine ${uri} login ${login.user} password ${login.password}`
}

async function hostLogins(): Promise<string> {
  const parts = await readdir('/etc/apt/auth.conf.d').catch((): string[] => [])
  const paths = ['/etc/apt/auth.conf', ...parts.sort().map((name) => `/etc/apt/auth.conf.d/${name}`)]
  const texts = await Promise.all(paths.map((path) => readFile(path, 'utf8').catch(() => '')))
  return texts
    .map((text) => text.trim())
    .join('\n')
    .trim()
}
