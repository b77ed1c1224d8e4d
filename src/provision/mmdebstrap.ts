import { mkdir, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { OcibakeError } from '../errors.ts'
import type { AptNetwork } from './apt-network.ts'
import type { DebianArchive } from './debian-archives.ts'
import { watchRoom } from './room-watch.ts'

/** mmdebstrap's sets of packages to begin with; see mmdebstrap(1), "VARIANTS". */
export const DEBIAN_VARIANTS = ['essential', 'apt', 'minbase', 'required', 'buildd', 'important', 'standard'] as const
export type DebianVariant = (typeof DEBIAN_VARIANTS)[number]

/** Everything that decides the bytes of the tar. */
export interface MmdebstrapOrder {
  readonly archives: readonly DebianArchive[]
  readonly variant: DebianVariant
  readonly include: readonly string[]
  /** As Debian names it: `amd64`. */
  readonly architecture: string
  /** Later file times become this one: seconds since 1970 UTC. */
  readonly epoch: number
  /** The archives are old on purpose: apt, in the image too, must not mind their "Valid-Until". */
  readonly old: boolean
}

/** How root gives a user the ids that mmdebstrap takes for those of the base's files: subuid(5). */
export const SUBORDINATE_IDS =
  'apt-get install uidmap; usermod --add-subuids 100000-165535 --add-subgids 100000-165535 USER'

const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg'
const NEEDED = [
  ['/usr/bin/mmdebstrap', 'mmdebstrap', 'mmdebstrap'],
  [KEYRING, 'the keys that sign Debian packages', 'debian-archive-keyring'],
] as const
/** Where the host's apt network settings are while the base is made, inside its root. */
const LENT = ['etc/apt/apt.conf.d/00ocibake', 'etc/apt/auth.conf'] as const

/**
 * Nothing when what makes a Debian base is installed below `root`.
 * @throws TOOL_MISSING naming the package to install
 */
export async function requireMmdebstrap(root = '/'): Promise<void> {
  for (const [path, what, debianPackage] of NEEDED) {
    const found = await stat(join(root, path)).catch(() => undefined)
    if (found !== undefined) continue
    throw new OcibakeError('TOOL_MISSING', `A Debian base needs ${what}; there is no ${path}.`, {
      hint: `Run: apt-get install ${debianPackage}`,
    })
  }
}

/** What the image's `/etc/apt/sources.list` says. The keyring is a file of a package that apt itself depends on. */
export function sourcesList(archives: readonly DebianArchive[]): string {
  return archives.map(({ uri, suite }) => `deb [signed-by=${KEYRING}] ${uri} ${suite} main\n`).join('')
}

/** mmdebstrap's arguments: `base.tar` in `folder` is the target, the sources come on stdin. Pure. */
export function mmdebstrapArguments(order: MmdebstrapOrder, folder: string, asRoot: boolean): string[] {
  const removed = ['etc/hostname', 'etc/resolv.conf', ...LENT].map((path) => `"$1"/${path}`).join(' ')
  return [
    `--mode=${asRoot ? 'root' : 'unshare'}`,
    `--variant=${order.variant}`,
    `--architectures=${order.architecture}`,
    '--format=tar',
    // Images have an empty /dev: devices come from the runtime, and not everybody may make them.
    '--skip=output/dev',
    ...(order.include.length > 0 ? [`--include=${order.include.join(',')}`] : []),
    ...(order.old ? ['--aptopt=Acquire::Check-Valid-Until "false"'] : []),
    ...LENT.map((path) => `--setup-hook=copy-in ${quoted(join(folder, basename(path)))} /${dirname(path)}`),
    `--customize-hook=rm -f ${removed}`,
    // No suite: the sources say it. It is given for the variants that look for packages by priority in one suite.
    order.archives[0]!.suite,
    join(folder, 'base.tar'),
    '-',
  ]
}

export interface MmdebstrapRun {
  /** See `proxyVariables`. */
  readonly proxyEnv: Readonly<Record<string, string>>
  readonly signal: AbortSignal
  /** Gets mmdebstrap's stages. */
  readonly say: (stage: string) => void
}

/**
 * Runs mmdebstrap; the result is an uncompressed tar in `folder`, which must be private and on a disk with room for
 * twice the base. The same order gives the same bytes while the archives hold the same packages.
 * @throws TOOL_FAILED, DISK_FULL; whatever `signal` was aborted with
 */
export async function runMmdebstrap(
  order: MmdebstrapOrder,
  network: AptNetwork,
  folder: string,
  { proxyEnv, signal, say }: MmdebstrapRun,
): Promise<string> {
  await lend(network, folder)
  const asRoot = process.getuid?.() === 0
  const [program, ...args] = [...wrapper(asRoot), 'mmdebstrap', ...mmdebstrapArguments(order, folder, asRoot)]
  const { execa } = await import('execa')
  using room = watchRoom(asRoot ? [folder] : [folder, tmpdir()])
  const child = execa(program!, args, {
    input: sourcesList(order.archives),
    env: { ...proxyEnv, ...environment(order, asRoot ? folder : undefined) },
    extendEnv: false,
    cancelSignal: AbortSignal.any([signal, room.full]),
    // As root this kills `unshare`, and with it every process and mount of its namespaces.
    killSignal: asRoot ? 'SIGKILL' : 'SIGTERM',
    reject: false,
    all: true,
  })
  const last: string[] = []
  const read = async () => {
    for await (const line of child.iterable({ from: 'all' })) {
      if (/^I: [a-z ]+\.\.\.$/.test(line)) say(line.slice(3, -3))
      last.push(line)
      if (last.length > 20) last.shift()
    }
  }
  // What fails is told by the result.
  const [result] = await Promise.all([child, read().catch(() => {})])
  await Promise.all(LENT.map((path) => rm(join(folder, basename(path)), { force: true })))
  signal.throwIfAborted()
  if (room.full.aborted) throw full()
  if (result.exitCode !== 0) throw failure(result, last)
  const tar = join(folder, 'base.tar')
  await addEmptyDev(tar, folder, order.epoch)
  return tar
}

async function lend(network: AptNetwork, folder: string): Promise<void> {
  const texts = [network.configuration, network.logins]
  // Hooks copy the mode too, and user ids other than ours may look into the root in the unshare mode.
  const files = LENT.map((path, i) => writeFile(join(folder, basename(path)), texts[i]!, { mode: 0o600 }))
  await Promise.all(files)
}

/** As root the mounts of the build must not be the host's: a killed build would leave them behind. */
function wrapper(asRoot: boolean): string[] {
  return asRoot ? ['unshare', '--mount', '--pid', '--fork', '--kill-child', '--mount-proc', '--'] : []
}

function environment(order: MmdebstrapOrder, temporary: string | undefined): Record<string, string> {
  const env: Record<string, string> = {
    PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    HOME: '/',
    LC_ALL: 'C.UTF-8',
    SOURCE_DATE_EPOCH: String(order.epoch),
    DEBIAN_FRONTEND: 'noninteractive',
  }
  // The unshare mode needs a place that other user ids may pass through; ours is private.
  if (temporary !== undefined) env.TMPDIR = temporary
  return env
}

async function addEmptyDev(tar: string, folder: string, epoch: number): Promise<void> {
  const dev = join(folder, 'dev')
  await mkdir(dev)
  const owner = ['--owner=0', '--group=0', '--numeric-owner', '--mode=0755', `--mtime=@${epoch}`, '--no-recursion']
  const format = ['--format=pax', '--pax-option=delete=atime,delete=ctime']
  const { execa } = await import('execa')
  const result = await execa('tar', ['--append', ...format, ...owner, '-f', tar, '-C', folder, './dev'], {
    reject: false,
  })
  if (result.exitCode !== 0) throw failure(result, [result.stderr])
  await rm(dev, { recursive: true })
}

function full(): OcibakeError {
  return new OcibakeError('DISK_FULL', 'No space was left while mmdebstrap made the Debian base.', {
    hint: 'Free some space, or choose another disk: as root with --cache-dir, else with TMPDIR, too.',
  })
}

function failure(result: { readonly exitCode?: number | undefined }, last: readonly string[]): OcibakeError {
  const said = last.join('\n')
  if (/No space left on device/.test(said)) return full()
  const message = `mmdebstrap ended with exit code ${result.exitCode}. Its last lines:\n${said}`
  return new OcibakeError('TOOL_FAILED', message, { hint: hintFor(said) })
}

/** What an ordinary user lacks, in the words of mmdebstrap's unshare mode. */
const LACKS_IDS =
  /\/etc\/sub[ug]id|new[ug]idmap|failed to unshare the user namespace|unshare\(\) failed|unshare syscall failed/
/** What `wrapper` says as a root that may not. */
const MAY_NOT_MOUNT = /^unshare: .*Operation not permitted|^mount: .*(permission denied|Operation not permitted)/m

function hintFor(said: string): string {
  if (LACKS_IDS.test(said)) return `An ordinary user needs user namespaces, and ids of his own: ${SUBORDINATE_IDS}`
  if (MAY_NOT_MOUNT.test(said)) {
    return 'Root needs the capability SYS_ADMIN: in a container, --privileged. Or build as an ordinary user who has subordinate ids.'
  }
  return 'Check the suite, the names in `include`, and that apt-get update works on this machine.'
}

/** For mmdebstrap's special hooks, which split their arguments as a shell does. */
function quoted(path: string): string {
  return path.replace(/[^\w/.,-]/g, '\\$&')
}
