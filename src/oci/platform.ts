import { endianness } from 'node:os'
import { OcibakeError } from '../errors.ts'
import type { Digest } from './digest.ts'
import type { Descriptor } from './source.ts'

/** An operating system and processor, by Go's names: image-spec image-index.md, "platform". */
export interface Platform {
  readonly os: string
  readonly architecture: string
  readonly variant?: string
}

/** An image that an index names. */
export interface IndexedImage {
  /** As ocibake writes platforms; undefined where the index names none. */
  readonly platform: string | undefined
  readonly digest: Digest
}

const OS_ALIASES = new Map([['macos', 'darwin']])

/** What `uname -m`, Debian and older images say -> Go's architecture and variant (containerd platforms/database.go). */
const ARCHITECTURE_ALIASES = new Map<string, readonly [string, string?]>([
  ['i386', ['386']],
  ['x86_64', ['amd64']],
  ['x86-64', ['amd64']],
  ['aarch64', ['arm64']],
  ['armhf', ['arm', 'v7']],
  ['armel', ['arm', 'v6']],
])

/** Variants that mean the plain architecture: their absence is the normal form. */
const PLAIN_VARIANTS = new Map([
  ['amd64', ['v1', '1']],
  ['arm64', ['v8', '8', 'v8.0', '8.0']],
])

/**
 * `os/architecture[/variant]` in its normal form: `linux/arm64/v8` is linux/arm64, `linux/arm` is linux/arm/v7.
 * @throws REFERENCE_INVALID when the text has another shape
 */
export function parsePlatform(text: string): Platform {
  const parts = text.split('/')
  if ((parts.length !== 2 && parts.length !== 3) || !parts.every((part) => /^[A-Za-z0-9_.-]+$/.test(part))) {
    const got = text.slice(0, 80).replace(/[^\x20-\x7e]/g, '?')
    throw new OcibakeError('REFERENCE_INVALID', `The platform is '${got}'; wanted os/architecture[/variant].`, {
      hint: 'For example: linux/amd64, linux/arm64, linux/arm/v7',
    })
  }
  return normalise(parts[0]!, parts[1]!, parts[2])
}

/** `os/architecture[/variant]`. */
export function formatPlatform(platform: Platform): string {
  const { os, architecture, variant } = platform
  return variant === undefined || variant === '' ? `${os}/${architecture}` : `${os}/${architecture}/${variant}`
}

/** Linux on this machine's processor: what images are built for unless told otherwise, on macOS too. */
export function hostPlatform(): Platform {
  const names: Partial<Record<NodeJS.Architecture, string>> = {
    x64: 'amd64',
    ia32: '386',
    ppc64: endianness() === 'LE' ? 'ppc64le' : 'ppc64',
    mipsel: 'mipsle',
  }
  return normalise('linux', names[process.arch] ?? process.arch, undefined)
}

/** The images that an index names: attestations are none. */
export function imagesIn(manifests: readonly Descriptor[]): IndexedImage[] {
  const images = manifests.filter((entry) => !isAttestation(entry))
  return images.map(({ platform, digest }) => ({ platform: platform && printable(formatOf(platform)), digest }))
}

/**
 * The entry of an index that runs on `wanted`, an exact variant before an older one that it can run: arm/v7 takes v6,
 * then v5; amd64/v3 takes v2, then plain amd64. Never another architecture: the image would claim what it is not.
 * Attestations (`unknown/unknown`) are no images. The only entry, if it names no platform, is taken.
 * @throws PLATFORM_MISSING listing the platforms that are there (matching: containerd platforms/compare.go, OnlyStrict)
 */
export function choosePlatform(manifests: readonly Descriptor[], wanted: Platform): Descriptor {
  const images = manifests.filter((entry) => !isAttestation(entry))
  const goal = normalise(wanted.os, wanted.architecture, wanted.variant)
  for (const platform of runnable(goal)) {
    const name = formatPlatform(platform)
    const found = images.find((entry) => entry.platform !== undefined && formatOf(entry.platform) === name)
    if (found) return found
  }
  if (images.length === 1 && images[0]!.platform === undefined) return images[0]!
  const present = images.map((entry) =>
    entry.platform ? printable(formatOf(entry.platform)) : 'one without a platform',
  )
  const list = present.length === 0 ? 'no image at all' : [...new Set(present)].sort().join(', ')
  throw new OcibakeError('PLATFORM_MISSING', `The index has no image for ${formatPlatform(goal)}; it has ${list}.`, {
    hint: 'Choose another base, or one of its platforms with: --platform os/architecture',
  })
}

function formatOf(platform: Platform): string {
  return formatPlatform(normalise(platform.os, platform.architecture, platform.variant))
}

function normalise(os: string, architecture: string, variant: string | undefined): Platform {
  const system = OS_ALIASES.get(os.toLowerCase()) ?? os.toLowerCase()
  const [name, implied] = ARCHITECTURE_ALIASES.get(architecture.toLowerCase()) ?? [architecture.toLowerCase()]
  const told = variant?.toLowerCase() || implied
  const exact = normaliseVariant(name, told)
  return { os: system, architecture: name, ...(exact === undefined ? {} : { variant: exact }) }
}

function normaliseVariant(architecture: string, variant: string | undefined): string | undefined {
  if (architecture === 'arm') return variant === undefined ? 'v7' : variant.replace(/^(?=[0-9]+$)/, 'v')
  if (variant === undefined || PLAIN_VARIANTS.get(architecture)?.includes(variant)) return undefined
  return variant
}

/** `goal` and what else its processor runs, best first. */
function runnable(goal: Platform): Platform[] {
  const { os, architecture, variant } = goal
  const level = Number(/^v([0-9]{1,2})$/.exec(variant ?? '')?.[1] ?? Number.NaN)
  const oldest = architecture === 'arm' ? 5 : 1
  const list = [goal]
  if (architecture === 'arm' || architecture === 'amd64') {
    for (let older = level - 1; older >= oldest; older--) list.push(normalise(os, architecture, `v${older}`))
  }
  if (architecture === 'arm64' && variant !== undefined) list.push({ os, architecture })
  return list
}

function isAttestation(entry: Descriptor): boolean {
  if (entry.annotations?.['vnd.docker.reference.type'] === 'attestation-manifest') return true
  return entry.platform?.os === 'unknown' && entry.platform.architecture === 'unknown'
}

function printable(text: string): string {
  return text.slice(0, 80).replace(/[^\x20-\x7e]/g, '?')
}
