import { OcibakeError } from '../errors.ts'
import type { AptSource } from './apt-sources.ts'

/** A suite of a Debian archive that a base is made from. */
export interface DebianArchive {
  /** Without user info and without a trailing slash: it stays in the image's `sources.list`. */
  readonly uri: string
  readonly suite: string
  /** What apt has to log in with while the base is made; never in the image. */
  readonly login: { readonly user: string; readonly password: string } | null
}

export interface DebianArchiveChoice {
  readonly suite: string
  readonly mirror?: string
  /** A moment in snapshot.debian.org's form: `20260101T000000Z`. */
  readonly snapshot?: string
}

const ARCHIVE = 'http://deb.debian.org/debian'
const SECURITY_ARCHIVE = 'http://deb.debian.org/debian-security'
const SNAPSHOTS = 'http://snapshot.debian.org/archive'

/** Releases of which Debian has no `-updates` and no `-security` suites. */
const ROLLING = new Set(['sid', 'unstable', 'experimental', 'rc-buggy'])
/** bullseye (2021) was the first release whose security suite is `NAME-security`. */
const OLD_SECURITY_NAME = new Set(['buster', 'stretch', 'jessie'])

/**
 * The archives to take packages from, the main one first: the given mirror's suite alone; or the suite with its
 * updates and security from the snapshot, or from where the host's apt has them, or from deb.debian.org.
 * @throws SPEC_INVALID for a suite, mirror or snapshot that cannot be one
 */
export function debianArchives(choice: DebianArchiveChoice, host: readonly AptSource[]): DebianArchive[] {
  const { suite, mirror, snapshot } = choice
  if (!/^[a-z][a-z0-9.-]*$/.test(suite)) throw invalid('debian', suite, `a suite like 'bookworm'`)
  if (mirror !== undefined) {
    if (snapshot !== undefined) {
      throw new OcibakeError('SPEC_INVALID', 'A Debian base has both a mirror and a snapshot.', {
        hint: 'Give one of the two: a snapshot is a mirror of its own.',
      })
    }
    return [archive(checkedMirror(mirror), suite)]
  }
  const [main, security, updates] = placesOf(choice, host)
  const archives = [archive(main, suite)]
  if (!ROLLING.has(suite) && updates) archives.push(archive(main, `${suite}-updates`))
  if (!ROLLING.has(suite) && security !== null) archives.push(archive(security, securitySuite(suite)))
  return archives
}

type Places = readonly [main: string, security: string | null, updates: boolean]

function placesOf(choice: DebianArchiveChoice, host: readonly AptSource[]): Places {
  const { snapshot } = choice
  if (snapshot !== undefined) {
    if (!/^\d{8}T\d{6}Z$/.test(snapshot)) throw invalid('snapshot', snapshot, `a moment like '20260101T000000Z'`)
    return [`${SNAPSHOTS}/debian/${snapshot}`, `${SNAPSHOTS}/debian-security/${snapshot}`, true]
  }
  const own = host.filter(isDebian)
  const main = own.find(({ suite }) => kindOf(suite) === 'main')
  if (main === undefined) return [ARCHIVE, SECURITY_ARCHIVE, true]
  const security = own.find(({ suite }) => kindOf(suite) === 'security')
  return [main.uri, security?.uri ?? null, own.some(({ suite }) => kindOf(suite) === 'updates')]
}

/**
 * Other vendors name their suites after Debian's too; what is signed by a key of their own is not Debian. Only http(s):
 * `cdrom:`, `file:` and `mirror+…:` mean nothing inside an image.
 */
function isDebian({ uri, components, signedBy }: AptSource): boolean {
  if (!/^https?:\/\//.test(uri) || !components.includes('main')) return false
  if (signedBy !== null) return /debian-archive/.test(signedBy)
  return /\/debian(-security)?(\/|$)/.test(uri) || /^https?:\/\/[^/]*\bdebian\.org\//.test(`${uri}/`)
}

function kindOf(suite: string): 'main' | 'updates' | 'security' | 'other' {
  if (suite.endsWith('-security') || suite.endsWith('/updates')) return 'security'
  if (suite.endsWith('-updates') && !suite.endsWith('-proposed-updates')) return 'updates'
  return /[-/]/.test(suite) ? 'other' : 'main'
}

function securitySuite(suite: string): string {
  return OLD_SECURITY_NAME.has(suite) ? `${suite}/updates` : `${suite}-security`
}

function archive(uri: string, suite: string): DebianArchive {
  const match = /^(https?:\/\/)(?:([^/@]*)@)?([^?#]*)/.exec(uri)
  const [, scheme = '', userInfo, rest = ''] = match ?? []
  const [user = '', password = ''] = (userInfo ?? '').split(':').map(decodeURIComponent)
  return { uri: `${scheme}${rest}`, suite, login: userInfo === undefined ? null : { user, password } }
}

function checkedMirror(mirror: string): string {
  if (!/^https?:\/\/[^\s[\]'"\\]+$/.test(mirror) || !URL.canParse(mirror)) {
    throw invalid('mirror', mirror.replace(/\/\/[^/@]*@/, '//'), `a URL like '${ARCHIVE}'`)
  }
  return mirror.replace(/\/+$/, '')
}

function invalid(field: string, got: string, want: string): OcibakeError {
  const shown = got.slice(0, 80).replace(/[^\x20-\x7e]/g, '?')
  return new OcibakeError('SPEC_INVALID', `A Debian base has ${field} '${shown}'; wanted ${want}.`)
}
