import type { Report } from '../events.ts'
import type { Network } from '../network/network.ts'
import type { Digest } from '../oci/digest.ts'
import type { PackedTarball } from '../oci/ingest-tarball.ts'
import type { Directory, Tree } from '../oci/node.ts'
import type { Platform } from '../oci/platform.ts'
import type { Store } from '../oci/store.ts'
import type { AnsibleStep } from './ansible-step.ts'
import type { ArchiveTrees } from './archive-trees.ts'
import type { HostNode } from './host-source.ts'
import type { RootKeeper } from './root-keeper.ts'
import type { Sandbox } from './sandbox.ts'
import type { SecretSource } from './secret-source.ts'

/** Lays a local folder's contents, or one file, over the image. */
export interface CopyStep {
  /** Folder or file, relative to the spec file. Of a folder the contents are copied, with or without a trailing '/'. */
  readonly copy: string
  /** Absolute place in the image. For a file: its new path, or a folder when it ends with '/' or is one already. */
  readonly to: string
  /** What to leave out, as in .gitignore, relative to the folder; read after the folder's `.ocibakeignore`. */
  readonly exclude?: readonly string[]
  /** `user:group`, names or numbers, for files and new folders. Default: 0:0. */
  readonly owner?: string
  /** Octal mode of every file (`'0640'`), or `'keep'`. Default: 0755 if the owner may execute it, else 0644. */
  readonly mode?: string
}

/** Extracts a tarball into the image, as GNU tar with the options of the same names. */
export interface UnpackStep {
  /** `s3://bucket/key`, `https://…`, or a path relative to the spec file. */
  readonly unpack: string
  readonly to: string
  /** `--strip-components`. */
  readonly stripComponents?: number
  /** `--wildcards PATTERN…`: only members that match, with what is below them. */
  readonly wildcards?: readonly string[]
  /** `--exclude PATTERN…`. */
  readonly exclude?: readonly string[]
  /**
   * A path or glob in the root filesystem that the archive is, as COPY of a Dockerfile takes it: symlinks are followed, of
   * a folder the contents go to `to`. Instead of `stripComponents` and `wildcards`.
   */
  readonly take?: string
  /** `user:group`, or `'archive'` for the ids in the archive. Default: 0:0, as `--no-same-owner` for root. */
  readonly owner?: string
  /** Hex digest that the downloaded bytes must have. */
  readonly sha256?: string
  /** Version of an S3 object in a versioned bucket. */
  readonly versionId?: string
  /** Required to fetch `https://` without `sha256`. */
  readonly unverified?: boolean
}

/** Writes a file with the given text. */
export interface WriteStep {
  readonly write: string
  readonly text: string
  /** Octal, as a string. Default: '0644'. */
  readonly mode?: string
  readonly owner?: string
}

/** Removes what the globs match: `*` and `?` within a name (dot files too), `**` any number of folders. */
export interface RemoveStep {
  readonly remove: string | readonly string[]
}

/** Changes owners, set-id bits and capabilities kept; symlinks are changed themselves, not followed. */
export interface OwnStep {
  readonly own: string | readonly string[]
  /** `user`, `user:group` or `:group`, names from the image or numbers. */
  readonly by: string
  /** Default: true. */
  readonly recursive?: boolean
}

/** Changes modes as chmod(1) does. */
export interface ChmodStep {
  readonly chmod: string | readonly string[]
  /** `'0755'` or symbolic: `'g+rwX'`, `'u=rw,go='`. */
  readonly mode: string
  /** Default: false. */
  readonly recursive?: boolean
}

/** Makes a symbolic link, or a hard link. */
export interface LinkStep {
  /** The new name. */
  readonly link: string
  /** What it points to: kept as written for a symbolic link, an existing file for a hard link. */
  readonly target: string
  readonly hard?: boolean
}

/** Runs commands in the image. All of them are one script, so that `cd` and variables persist. */
export interface RunStep {
  readonly run: string | readonly string[]
  /** Default: ['/bin/sh', '-e']. One that ends with '-c' gets the text as an argument, others the path of a file. */
  readonly shell?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  /** `user` or `user:group`. Default: root, whatever USER the base has. */
  readonly user?: string
  /** Default: the base's working directory, else '/'. */
  readonly workdir?: string
  /** Seconds, or '90s', '10m', '1h'. Default: none. */
  readonly timeout?: number | string
  /** Default: 'host'. */
  readonly network?: 'host' | 'none'
  readonly secrets?: readonly SecretSource[]
}

export type Step =
  | CopyStep
  | UnpackStep
  | WriteStep
  | RemoveStep
  | OwnStep
  | ChmodStep
  | LinkStep
  | RunStep
  | AnsibleStep

/** Whether what a step makes is not decided by its input alone: it runs programs in the image. */
export function isScript(step: Step): step is RunStep | AnsibleStep {
  return 'run' in step || 'ansible' in step
}

/** Whether what an earlier build made of the same input will do. */
export function isCached(step: Step): boolean {
  return !('ansible' in step) || step.cache !== false
}

/** What a step may use. */
export interface Tools {
  readonly store: Store
  /** Probes on first use: a build without scripts never needs one. */
  sandbox(): Promise<Sandbox>
  /** Where scripts find the tree on a disk, from one step to the next. Default: laid out anew for each. */
  readonly roots?: RootKeeper
  readonly report: Report
  readonly signal: AbortSignal
  /** How sources are reached; directly when absent. */
  readonly network?: Network
  readonly build: BuildFacts
  /** What the step's fingerprint was taken of, so that it is that and nothing newer which goes into the image. */
  readonly taken?: Taken
  /** Shared by the steps of a build. Default: made for the step. */
  readonly archiveTrees?: ArchiveTrees
  /** See ArchiveTools. */
  readonly blocks?: boolean
  /** A step tells of a tarball that `Store.gzipSource` may know, and what that laid over the image. */
  unpacked?(tarball: PackedTarball, layer: Directory): void
  /** A step tells the time of an input it took, seconds: the newest is the image's default time. */
  inputDated(seconds: number): void
}

/** A step's input as it was when the build began. */
export type Taken =
  /** undefined: nothing is left of the source. */
  | { readonly kind: 'files'; readonly source: HostNode | undefined }
  /** sha256 of a tarball. */
  | { readonly kind: 'archive'; readonly digest: Digest }

/** What a step may know of the build it is part of. */
export interface BuildFacts {
  readonly platform: Platform
  /** Absolute: that of the spec file. */
  readonly folder: string
  /** Of the base's config: what scripts start from. */
  readonly baseEnv: Readonly<Record<string, string>>
  readonly baseWorkdir: string
  /** The newest time of an input so far, seconds: what UNDATED means if the build ended now. */
  readonly newest: number
  /** Proxy variables of the caller, for scripts alone. */
  readonly proxyEnv: Readonly<Record<string, string>>
  /** The caller's environment, for secrets. */
  readonly env: Readonly<Record<string, string | undefined>>
  /** Absolute host paths that this build writes: no part of what it copies. */
  readonly ownOutputs: ReadonlySet<string>
  /** Where a script's whole output goes. */
  readonly logFile: string
  /** Counted from 1. */
  readonly step: number
  /** No script comes after this one: nobody needs its root any more. */
  readonly isLastScript: boolean
}

/** One function a step: the tree before in, the tree after out. */
export type Perform<S extends Step> = (tree: Tree, step: S, tools: Tools) => Promise<Tree>
