import { createHash } from 'node:crypto'
import { mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { OcibakeError } from '../errors.ts'
import type { Report } from '../events.ts'
import { type AptNetwork, readAptNetwork } from './apt-network.ts'
import { readAptSources } from './apt-sources.ts'
import { type DebianArchive, debianArchives } from './debian-archives.ts'
import { readDebianRelease } from './debian-release.ts'
import {
  DEBIAN_VARIANTS,
  type DebianVariant,
  type MmdebstrapOrder,
  requireMmdebstrap,
  runMmdebstrap,
  sourcesList,
} from './mmdebstrap.ts'

/** A base made from Debian's packages. */
export interface DebianOptions {
  /** `bookworm`, `trixie`, `sid` … */
  readonly suite: string
  /** One of DEBIAN_VARIANTS; 'minbase' is the essential packages and apt. */
  readonly variant: string
  /** Packages to install beside the variant's. Their order does not matter. */
  readonly include: readonly string[]
  /** The address of a Debian archive; without it, what the host's apt uses, else deb.debian.org. */
  readonly mirror?: string
  /** Debian as it was at a moment, from snapshot.debian.org: `20260101T000000Z`. */
  readonly snapshot?: string
  /** As OCI names it, with the variant behind a slash where there is one: `amd64`, `arm64`, `arm/v7`. */
  readonly architecture: string
}

export interface DebianTar {
  /** An uncompressed tar (pax, sorted, xattrs and all) in the folder that was given. */
  readonly path: string
  /** See `debianKey`. */
  readonly key: string
}

interface Plan {
  readonly key: string
  readonly order: MmdebstrapOrder
  readonly network: AptNetwork
}

/** Goes up when the same order gives other bytes because of a change of ours. */
const FORMAT = 1
const ATTEMPTS = 3

const DEBIAN_ARCHITECTURES = new Map([
  ['amd64', 'amd64'],
  ['386', 'i386'],
  ['arm64', 'arm64'],
  ['arm64/v8', 'arm64'],
  ['arm', 'armhf'],
  ['arm/v7', 'armhf'],
  ['arm/v6', 'armel'],
  ['arm/v5', 'armel'],
  ['ppc64le', 'ppc64el'],
  ['s390x', 's390x'],
  ['riscv64', 'riscv64'],
  ['loong64', 'loong64'],
])

/**
 * What goes into the base, as 64 hex digits: the options, the addresses that stay in its `sources.list`, and the digests
 * of the package lists that the archives publish now. A point release or a security update makes a new key; a
 * `Release` file that was only signed anew does not.
 * @throws SPEC_INVALID, PLATFORM_MISSING, FETCH_FAILED, FETCH_NOT_FOUND, TOOL_MISSING
 */
export async function debianKey(base: DebianOptions, signal: AbortSignal): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'ocibake-debian-'))
  try {
    return (await planOf(base, folder, signal)).key
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

export interface DebianSurroundings {
  readonly folder: string
  /** See `proxyVariables`. */
  readonly proxyEnv: Readonly<Record<string, string>>
  readonly report: Report
  readonly signal: AbortSignal
}

/**
 * Makes the base by mmdebstrap: as root in namespaces of its own, else with mmdebstrap's unshare mode. `folder` must be
 * empty, private and ours; the caller removes it. The same key means the same bytes. About half a minute.
 * @throws what `debianKey` throws, and TOOL_FAILED, DISK_FULL
 */
export async function debianTar(
  base: DebianOptions,
  { folder, proxyEnv, signal, report }: DebianSurroundings,
): Promise<DebianTar> {
  await requireMmdebstrap()
  const task = 'debian'
  report({ type: 'task-started', task, label: `Debian ${base.suite} (${base.variant}), made by mmdebstrap` })
  let plan = await planOf(base, folder, signal)
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    const say = (stage: string) => report({ type: 'note', message: `mmdebstrap: ${stage}` })
    const path = await runMmdebstrap(plan.order, plan.network, folder, { proxyEnv, signal, say })
    const now = await planOf(base, folder, signal)
    // A mirror that was updated meanwhile may have given packages of either state.
    if (now.key === plan.key) {
      const megabytes = Math.round((await stat(path)).size / 1e6)
      report({ type: 'task-finished', task, outcome: `${megabytes} MB` })
      return { path, key: plan.key }
    }
    plan = now
    await rm(path)
  }
  throw new OcibakeError('FETCH_CHANGED', `The Debian mirror changed during each of ${ATTEMPTS} attempts.`, {
    hint: 'Build again in a few minutes, or give `snapshot`.',
  })
}

async function planOf(base: DebianOptions, folder: string, signal: AbortSignal): Promise<Plan> {
  const architecture = debianArchitecture(base.architecture)
  const variant = debianVariant(base.variant)
  const include = [...new Set(base.include)].sort()
  const odd = include.find((name) => !/^[a-z0-9][a-z0-9+.-]+(:[a-z0-9-]+)?([=/][A-Za-z0-9.+:~-]+)?$/.test(name))
  if (odd !== undefined) throw new OcibakeError('SPEC_INVALID', `'${odd.slice(0, 80)}' in include is no package name.`)
  const archives = debianArchives(base, await readAptSources())
  const network = await readAptNetwork(archives)
  const packages: string[] = []
  let epoch = 0
  for (const archive of archives) {
    const release = await readDebianRelease(archive, architecture, network, folder, signal)
    packages.push(release.packages)
    // The main suite's date: the others are published anew several times a day.
    epoch ||= release.date
  }
  const order = { archives, variant, include, architecture, epoch, old: base.snapshot !== undefined }
  return { key: keyOf(order, archives, packages), order, network }
}

function keyOf(order: MmdebstrapOrder, archives: readonly DebianArchive[], packages: readonly string[]): string {
  const { variant, include, architecture, epoch, old } = order
  const parts = [FORMAT, variant, include, architecture, epoch, old, sourcesList(archives), packages]
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex')
}

function debianVariant(name: string): DebianVariant {
  const found = DEBIAN_VARIANTS.find((variant) => variant === name)
  if (found !== undefined) return found
  throw new OcibakeError(
    'SPEC_INVALID',
    `A Debian base has the variant '${name.slice(0, 40)}', which mmdebstrap lacks.`,
    {
      hint: `It has: ${DEBIAN_VARIANTS.join(', ')}.`,
    },
  )
}

function debianArchitecture(name: string): string {
  const found = DEBIAN_ARCHITECTURES.get(name)
  if (found !== undefined) return found
  throw new OcibakeError('PLATFORM_MISSING', `Debian has no packages for the architecture '${name.slice(0, 40)}'.`, {
    hint: `It has: ${[...DEBIAN_ARCHITECTURES.keys()].join(', ')}.`,
  })
}
