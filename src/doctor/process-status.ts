import { readFile } from 'node:fs/promises'

/** What the kernel says that this process may do: proc(5), `/proc/PID/status`. */
export interface ProcessStatus {
  /** Effective capabilities, as capabilities(7) names them, without `CAP_`. */
  readonly capabilities: readonly string[]
  /** The others. */
  readonly lacking: readonly string[]
  readonly seccomp: 'off' | 'strict' | 'filter' | 'unknown'
  readonly noNewPrivileges: boolean
}

/** By bit number: linux/capability.h. */
const CAPABILITIES = (
  'CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP LINUX_IMMUTABLE NET_BIND_SERVICE ' +
  'NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER SYS_MODULE SYS_RAWIO SYS_CHROOT SYS_PTRACE SYS_PACCT SYS_ADMIN ' +
  'SYS_BOOT SYS_NICE SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG MKNOD LEASE AUDIT_WRITE AUDIT_CONTROL SETFCAP MAC_OVERRIDE ' +
  'MAC_ADMIN SYSLOG WAKE_ALARM BLOCK_SUSPEND AUDIT_READ PERFMON BPF CHECKPOINT_RESTORE'
).split(' ')

const SECCOMP = ['off', 'strict', 'filter'] as const

/** Of this process. Where /proc is not there, nothing is known, and nothing is claimed. */
export async function processStatus(): Promise<ProcessStatus> {
  return parseProcessStatus(await readFile('/proc/self/status', 'utf8').catch(() => ''))
}

export function parseProcessStatus(text: string): ProcessStatus {
  const field = (name: string) => new RegExp(`^${name}:\\s*(\\S+)`, 'm').exec(text)?.[1]
  const mask = BigInt(`0x${field('CapEff') ?? '0'}`)
  const has = (_: string, bit: number) => (mask & (1n << BigInt(bit))) !== 0n
  return {
    capabilities: CAPABILITIES.filter(has),
    lacking: CAPABILITIES.filter((name, bit) => !has(name, bit)),
    seccomp: SECCOMP[Number(field('Seccomp') ?? -1)] ?? 'unknown',
    noNewPrivileges: field('NoNewPrivs') === '1',
  }
}
