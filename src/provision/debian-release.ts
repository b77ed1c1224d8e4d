import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { OcibakeError, systemCode } from '../errors.ts'
import type { AptNetwork } from './apt-network.ts'
import type { DebianArchive } from './debian-archives.ts'

/** What a suite holds at this moment, by its `Release` file. */
export interface DebianRelease {
  /** Of `main/binary-ARCH/Packages`, uncompressed, 64 hex digits: changes if and only if the packages do. */
  readonly packages: string
  /** When the suite was published: seconds since 1970 UTC. */
  readonly date: number
}

const HELPER = '/usr/lib/apt/apt-helper'

/**
 * Downloads and reads a suite's `Release`, by way of apt's own downloader, so that proxies, logins and certificates are
 * those that apt has. The signature is not checked here: mmdebstrap's apt does that, before it installs anything.
 * Needs a private `folder` for a moment. @throws FETCH_FAILED, TOOL_MISSING, PLATFORM_MISSING
 */
export async function readDebianRelease(
  archive: DebianArchive,
  architecture: string,
  network: AptNetwork,
  folder: string,
  signal: AbortSignal,
): Promise<DebianRelease> {
  const text = await downloadRelease(archive, network, folder, signal)
  return parseRelease(text, `${archive.uri} ${archive.suite}`, architecture)
}

/** @throws PLATFORM_MISSING when the suite has no packages of that architecture; FETCH_FAILED when it is no Release */
export function parseRelease(text: string, what: string, architecture: string): DebianRelease {
  const date = Date.parse(/^Date: (.+)$/m.exec(text)?.[1] ?? '')
  const sums = /^SHA256:\n((?: .*\n)*)/m.exec(text)?.[1]
  if (Number.isNaN(date) || sums === undefined) {
    throw new OcibakeError('FETCH_FAILED', `The Release file of ${what} has no date or no SHA256 list.`, {
      hint: 'Is the mirror a Debian archive? Something in between may have answered instead.',
    })
  }
  const wanted = `main/binary-${architecture}/Packages`
  for (const line of sums.split('\n')) {
    const [, sum, , path] = /^ ([0-9a-f]{64}) +(\d+) +(\S+)$/.exec(line) ?? []
    if (sum !== undefined && path === wanted) return { packages: sum, date: Math.floor(date / 1000) }
  }
  const has = /^Architectures: (.+)$/m.exec(text)?.[1] ?? 'none'
  throw new OcibakeError('PLATFORM_MISSING', `${what} has no packages for ${architecture}; it has: ${has}.`)
}

async function downloadRelease(
  archive: DebianArchive,
  network: AptNetwork,
  folder: string,
  signal: AbortSignal,
): Promise<string> {
  const target = join(folder, 'Release')
  const logins = join(folder, 'release-auth.conf')
  const { execa } = await import('execa')
  await writeFile(logins, network.logins, { mode: 0o600 })
  try {
    let reason = ''
    // An archive without InRelease is old or home-made, but apt takes it.
    for (const name of ['InRelease', 'Release']) {
      const url = `${archive.uri}/dists/${archive.suite}/${name}`
      const options = [
        '-qq',
        '-o',
        'APT::Sandbox::User=root',
        '-o',
        'Acquire::Retries=2',
        '-o',
        `Dir::Etc::netrc=${logins}`,
      ]
      const env = { LC_ALL: 'C' }
      const got = await execa(HELPER, [...options, 'download-file', url, target], {
        reject: false,
        cancelSignal: signal,
        env,
      })
      signal.throwIfAborted()
      if (systemCode(got) === 'ENOENT') {
        throw new OcibakeError('TOOL_MISSING', `A Debian base needs apt; there is no ${HELPER}.`, {
          hint: 'Build on Debian or Ubuntu, or take a base from a registry.',
        })
      }
      if (got.exitCode === 0) return await readFile(target, 'utf8')
      reason ||= got.stderr
      if (!/\b404\b/.test(got.stderr)) break
    }
    throw unreachable(archive, reason)
  } finally {
    await Promise.all([rm(target, { force: true }), rm(logins, { force: true })])
  }
}

function unreachable({ uri, suite }: DebianArchive, stderr: string): OcibakeError {
  const line = stderr.split('\n').find((text) => text.startsWith('E: ')) ?? 'E: no answer'
  const said = line
    .slice(3)
    .replace(/^Failed to fetch \S+\s*/, '')
    .replace(/\[IP: [^\]]*\]/, '')
    .trim()
  const missing = /^404\b/.test(said)
  return new OcibakeError(
    missing ? 'FETCH_NOT_FOUND' : 'FETCH_FAILED',
    `Suite ${suite} of ${uri} cannot be read: ${said}`,
    {
      hint: missing
        ? 'Check the name of the suite and the mirror.'
        : 'Check the mirror, and that apt-get update works here.',
    },
  )
}
