import { X509Certificate } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createSecureContext } from 'node:tls'
import { OcibakeError, systemCode } from '../errors.ts'
import type { TlsIdentity } from '../network/network.ts'

/**
 * What is kept for a registry's host: authorities to believe, and a certificate to show. Undefined: nothing.
 * @throws CREDENTIALS_UNREADABLE
 */
export type CertificateLookup = (url: URL) => Promise<TlsIdentity | undefined>

/** Keeps nothing. */
export const noCertificates: CertificateLookup = async () => undefined

/**
 * Looks where docker and podman keep certificates, in `certs.d/HOST[:PORT]/`: every `*.crt` is an authority, a `*.cert`
 * is shown with the `*.key` of the same name. The first folder that has the host counts: `$XDG_CONFIG_HOME/containers`
 * (or `~/.config`), `$XDG_CONFIG_HOME/docker`, `/etc/containers`, `/etc/docker`. Each host's is read once, and shown to
 * that host and port alone. (containers-certs.d(5); Docker, "Verify repository client with certificates")
 */
export function certificateLookup({
  env,
  home,
}: {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly home: string
}): CertificateLookup {
  const own = env.XDG_CONFIG_HOME || join(home, '.config')
  const folders = [own, '/etc'].flatMap((base) => ['containers', 'docker'].map((tool) => join(base, tool, 'certs.d')))
  const known = new Map<string, Promise<TlsIdentity | undefined>>()
  return (url) => {
    const found = known.get(url.host) ?? find(folders, namesOf(url))
    known.set(url.host, found)
    return found
  }
}

function namesOf({ host, hostname, port }: URL): string[] {
  const names = port === '' ? [`${hostname}:443`, hostname] : [host]
  // Docker Hub's name, and that of its registry.
  return hostname === 'registry-1.docker.io' ? [...names, 'docker.io'] : names
}

async function find(folders: readonly string[], names: readonly string[]): Promise<TlsIdentity | undefined> {
  for (const base of folders) {
    for (const name of names) {
      const folder = join(base, name)
      const files = await filesIn(folder)
      if (files !== undefined) return read(folder, files.sort())
    }
  }
  return undefined
}

async function filesIn(folder: string): Promise<string[] | undefined> {
  try {
    return await readdir(folder)
  } catch (error) {
    const code = systemCode(error)
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined
    throw unreadable(folder, `cannot be read (${code})`, error)
  }
}

async function read(folder: string, files: readonly string[]): Promise<TlsIdentity> {
  const text = (name: string) =>
    readFile(join(folder, name), 'utf8').catch((error: unknown) => {
      throw unreadable(join(folder, name), `cannot be read (${systemCode(error)})`, error)
    })
  const ca = await Promise.all(files.filter((name) => name.endsWith('.crt')).map(text))
  const shown = files.find((name) => name.endsWith('.cert'))
  const lonely = files.find((name) => name.endsWith('.key') && !files.includes(name.replace(/key$/, 'cert')))
  if (lonely !== undefined) throw unreadable(join(folder, lonely), 'has no .cert of the same name beside it')
  if (shown === undefined) return checked({ ca }, folder)
  const key = shown.replace(/cert$/, 'key')
  if (!files.includes(key)) throw unreadable(join(folder, shown), 'has no .key of the same name beside it')
  return checked({ ca, cert: await text(shown), key: await text(key) }, folder)
}

function checked(identity: TlsIdentity, folder: string): TlsIdentity {
  try {
    // Nothing is said below of an authority that is none: it is passed over.
    for (const authority of identity.ca ?? []) new X509Certificate(authority)
    createSecureContext({ ca: [...(identity.ca ?? [])], cert: identity.cert, key: identity.key })
    return identity
  } catch (error) {
    // Of what OpenSSL says, the code: the rest is not for people.
    throw unreadable(folder, `has a certificate or key that is none (${systemCode(error) ?? 'unknown'})`, error)
  }
}

function unreadable(path: string, fault: string, cause?: unknown): OcibakeError {
  return new OcibakeError('CREDENTIALS_UNREADABLE', `${path} ${fault}.`, {
    hint: 'Files there are in PEM: ca.crt for an authority, client.cert and client.key for this side.',
    cause,
  })
}
