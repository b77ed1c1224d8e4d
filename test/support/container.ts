/**
 * container.ts SETTINGS.json PROGRAM [ARGUMENT]...
 * Runs a program of this machine in a container as podman, Docker or Kubernetes make one, with runc and a config.json
 * of our own: this machine's /usr, /etc and this checkout read-only, one folder to write to, this environment, the
 * host's network. Needs root.
 */
import { spawnSync } from 'node:child_process'
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

export interface ContainerSettings {
  /** Absolute; bound at the same path, writable. */
  readonly folder: string
  readonly uid: number
  readonly gid: number
  /** `CAP_CHOWN`…; none by default. */
  readonly capabilities?: readonly string[]
  readonly noNewPrivileges?: boolean
  /**
   * Default: podman's, as Debian has it. `docker` forbids namespaces to those without CAP_SYS_ADMIN, as moby's does;
   * `strict` forbids ptrace and seccomp, too.
   */
  readonly seccomp?: 'podman' | 'docker' | 'strict' | 'none'
  /** Nothing can be written but `folder`, not even /tmp. */
  readonly readOnly?: boolean
  /** Folders of this machine that are there besides, read-only. */
  readonly shown?: readonly string[]
  /** Folders that are empty there. */
  readonly hidden?: readonly string[]
}

/** What podman 4 and later gives root. */
export const PODMAN_CAPABILITIES =
  'CHOWN DAC_OVERRIDE FOWNER FSETID KILL NET_BIND_SERVICE SETFCAP SETGID SETPCAP SETUID SYS_CHROOT'
    .split(' ')
    .map((name) => `CAP_${name}`)

export const DOCKER_CAPABILITIES = [...PODMAN_CAPABILITIES, 'CAP_MKNOD', 'CAP_NET_RAW', 'CAP_AUDIT_WRITE']

const CHECKOUT = resolve(import.meta.dirname, '../..')

interface Mount {
  destination: string
  type: string
  source: string
  options: string[]
}

/** What is put before a command so that it runs there. The settings file is written to the folder of the settings. */
export function inContainer(settings: ContainerSettings): string[] {
  const file = `${settings.folder}.container.json`
  writeFileSync(file, JSON.stringify(settings))
  return [process.execPath, fileURLToPath(import.meta.url), file]
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [, , file = '', ...command] = process.argv
  process.exitCode = runThere(JSON.parse(readFileSync(file, 'utf8')), command)
}

function runThere(settings: ContainerSettings, command: readonly string[]): number {
  const bundle = mkdtempSync(`${settings.folder}.bundle-`)
  try {
    const rootfs = join(bundle, 'rootfs')
    mkdirSync(rootfs)
    spawnSync('runc', ['spec'], { cwd: bundle })
    const config = JSON.parse(readFileSync(join(bundle, 'config.json'), 'utf8'))
    const capabilities = settings.capabilities ?? []
    config.process = {
      ...{ terminal: false, args: command, cwd: process.cwd(), user: { uid: settings.uid, gid: settings.gid } },
      env: Object.entries(process.env).map(([name, value]) => `${name}=${value}`),
      capabilities: { bounding: capabilities, effective: capabilities, permitted: capabilities },
      noNewPrivileges: settings.noNewPrivileges ?? false,
    }
    config.root = { path: 'rootfs', readonly: settings.readOnly ?? false }
    config.mounts.push(...binds(settings, rootfs, command))
    config.linux.namespaces = config.linux.namespaces.filter(({ type }: { type: string }) => type !== 'network')
    if (settings.seccomp !== 'none') config.linux.seccomp = profile(settings.seccomp ?? 'podman', capabilities)
    writeFileSync(join(bundle, 'config.json'), JSON.stringify(config))
    const state = join(bundle, 'state')
    const name = `ocibake-test-${process.pid}`
    const { status } = spawnSync('runc', ['--root', state, 'run', '--bundle', bundle, name], { stdio: 'inherit' })
    spawnSync('runc', ['--root', state, 'delete', '--force', name])
    return status ?? 255
  } finally {
    rmSync(bundle, { recursive: true, force: true })
  }
}

/** A merged-/usr machine has symlinks beside /usr: the same in the root, binds for what is a folder. */
function binds(
  { folder, readOnly, shown = [], hidden = [] }: ContainerSettings,
  rootfs: string,
  [, program = '/']: readonly string[],
): Mount[] {
  const wanted = ['/usr', '/etc', '/bin', '/sbin', '/lib', '/lib64', CHECKOUT, dirname(realpathSync(process.execPath))]
  const modules = realpathSync(join(CHECKOUT, 'node_modules'))
  const visible = [...new Set([...wanted, modules, resolve(program, '../..'), ...shown])].filter((path) =>
    existsSync(path),
  )
  const mounts: Mount[] = []
  for (const path of visible) {
    if (lstatSync(path).isSymbolicLink()) symlinkSync(readlinkSync(path), join(rootfs, path))
    else mounts.push({ destination: path, type: 'bind', source: path, options: ['rbind', 'ro'] })
  }
  const tmpfs = (destination: string, options: string[]) =>
    mounts.push({ destination, type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'nodev', ...options] })
  if (readOnly !== true) tmpfs('/tmp', ['mode=1777'])
  for (const path of hidden) tmpfs(path, ['ro', 'mode=0755'])
  mounts.push({ destination: folder, type: 'bind', source: folder, options: ['rbind', 'rw'] })
  return mounts.sort((a, b) => (a.destination < b.destination ? -1 : 1))
}

interface Rule {
  names: string[]
  action: string
  args?: unknown[]
  errnoRet?: number
  includes?: { caps?: string[]; arches?: string[]; minKernel?: string }
  excludes?: { caps?: string[]; arches?: string[] }
}

/** seccomp.json of Debian's golang-github-containers-common, with its conditions decided. */
function profile(kind: 'podman' | 'docker' | 'strict', capabilities: readonly string[]) {
  const all = JSON.parse(readFileSync('/usr/share/containers/seccomp.json', 'utf8'))
  const arch = process.arch === 'arm64' ? 'arm64' : 'amd64'
  const holds = (rule: Rule) => {
    const { includes = {}, excludes = {} } = rule
    if (includes.caps && !includes.caps.every((one) => capabilities.includes(one))) return false
    if (excludes.caps?.some((one) => capabilities.includes(one))) return false
    return !(includes.arches && !includes.arches.includes(arch)) && !excludes.arches?.includes(arch)
  }
  const rules = (all.syscalls as Rule[])
    .filter(holds)
    .map(({ names, action, args, errnoRet }) => ({ names, action, args: args ?? [], ...(errnoRet && { errnoRet }) }))
  const { defaultAction, defaultErrnoRet } = all
  const architectures = [arch === 'arm64' ? 'SCMP_ARCH_AARCH64' : 'SCMP_ARCH_X86_64']
  if (kind === 'podman') return { defaultAction, defaultErrnoRet, architectures, syscalls: rules }
  // moby/profiles: what makes and enters namespaces and mounts needs CAP_SYS_ADMIN; clone without those flags does not.
  const privileged = new Set(
    [
      'mount',
      'mount_setattr',
      'umount',
      'umount2',
      'unshare',
      'setns',
      'pivot_root',
      'open_tree',
      'move_mount',
      'fsopen',
    ].concat(['fsmount', 'fsconfig', 'fspick', 'clone', 'clone3', 'pidfd_getfd', 'keyctl', 'add_key', 'request_key']),
  )
  if (kind === 'strict')
    for (const name of ['ptrace', 'seccomp', 'process_vm_readv', 'process_vm_writev']) privileged.add(name)
  const namespaces = 0x7e020000
  const syscalls = rules.map((rule) => ({ ...rule, names: rule.names.filter((name) => !privileged.has(name)) }))
  syscalls.push({
    ...{ names: ['clone'], action: 'SCMP_ACT_ALLOW' },
    args: [{ index: 0, value: namespaces, valueTwo: 0, op: 'SCMP_CMP_MASKED_EQ' }],
  })
  syscalls.push({ names: ['clone3'], action: 'SCMP_ACT_ERRNO', args: [], errnoRet: 38 })
  return {
    defaultAction,
    defaultErrnoRet: 1,
    architectures,
    syscalls: syscalls.filter(({ names }) => names.length > 0),
  }
}
