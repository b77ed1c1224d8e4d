import type { Report } from '../events.ts'
import type { OwnerRecords } from './owner-records.ts'

/** One program to run inside a root. Everything is already resolved: nothing here is looked up again. */
export interface SandboxCommand {
  /** Absolute path inside the root, and its arguments. */
  readonly argv: readonly string[]
  /** The whole environment: nothing of ours is added to it. */
  readonly env: Readonly<Record<string, string>>
  readonly uid: number
  readonly gid: number
  /** Supplementary groups. */
  readonly groups: readonly number[]
  /** Absolute path inside the root. */
  readonly workdir: string
  /** 'none': not even loopback. */
  readonly network: 'host' | 'none'
  /** Milliseconds; then the whole process tree is killed. */
  readonly timeout?: number
  /** What the program reads on fd 0; nothing when absent. */
  readonly stdin?: string
  /** A host path: the program has as fd 0 a UNIX socket that listens there, instead of what it could read. */
  readonly listen?: string
  /** Files that exist for this command alone, on a tmpfs, never in the tree. Path inside the root -> what. */
  readonly secrets: ReadonlyMap<string, SecretFile>
}

export interface SecretFile {
  readonly bytes: Uint8Array
  readonly mode: number
  readonly uid: number
  readonly gid: number
}

export interface SandboxExit {
  /** Exit code, or 128 + signal. */
  readonly code: number
  readonly signal?: string
  readonly timedOut: boolean
  /** What is true of the root now; of a sandbox that records owners, when the command succeeded. */
  readonly records?: OwnerRecords
}

/**
 * A place in which a script sees a laid-out root as `/`. One object serves every `run` step of a build.
 * Each implementation promises: nothing of the host visible but resolv.conf and hosts for the run; the tool's own
 * root untouched; the whole process tree dead when `run` settles, when `signal` aborts, and when ocibake itself dies.
 */
export interface Sandbox {
  readonly name: string
  /** Why this one was chosen: one line for `doctor` and the log. */
  readonly why: string
  /** 'recorded': the root is laid out as the builder's own, and what it means is in records beside it. */
  readonly owners: 'real' | 'recorded'
  /** What the user has to know of everything that scripts make in it. */
  readonly warning?: { readonly message: string; readonly hint: string }
  /**
   * Runs `command` in the root at `root` (an absolute host path, laid out by us and private to us), of which `records`
   * are true if this sandbox records owners.
   * @throws SANDBOX_UNAVAILABLE when the kernel refuses what the probe had found possible; INTERRUPTED on abort
   */
  run(
    root: string,
    command: SandboxCommand,
    onLine: OnLine,
    signal: AbortSignal,
    records?: OwnerRecords,
  ): Promise<SandboxExit>
}

export type OnLine = (stream: 'stdout' | 'stderr', line: string) => void

/** Finds out by doing it in `folder` whether a sandbox works here. */
export interface SandboxBackend {
  readonly name: string
  /** 'inexact': it loses owners that scripts give to files, so it is taken only when the user allows that. */
  readonly owners: 'exact' | 'inexact'
  probe(folder: string, report: Report): Promise<Sandbox | SandboxRefusal>
}

export interface SandboxRefusal {
  /** What is missing, a sentence without its full stop; and how to get it. */
  readonly missing: string
  readonly hint: string
}

/** What decides, beside the machine, which sandboxes may be used. */
export interface SandboxWishes {
  /** The caller's environment: its PATH may have a program that one of them needs. */
  readonly env: Readonly<Record<string, string | undefined>>
  /** A sandbox will do that loses owners that scripts give to files. */
  readonly allowInexactOwnership: boolean
}
