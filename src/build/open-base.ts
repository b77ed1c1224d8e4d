import { basename, join } from 'node:path'
import type { Report } from '../events.ts'
import { scratchConfig } from '../oci/config.ts'
import { dockerArchiveSource } from '../oci/docker-archive-source.ts'
import { layoutSource, ociArchiveSource } from '../oci/layout-source.ts'
import { EMPTY } from '../oci/node.ts'
import type { Platform } from '../oci/platform.ts'
import type { Store } from '../oci/store.ts'
import type { RegistryConnection } from '../registry/connection.ts'
import { mirroredSource } from '../registry/mirrored.ts'
import type { PlannedBase } from '../spec/plan.ts'
import type { Base } from './base.ts'
import type { SourceOf } from './shared-sources.ts'
import { sourceBase } from './source-base.ts'

export interface OpenBaseOptions {
  readonly platform: Platform
  readonly store: Store
  readonly connection: RegistryConnection
  /** Of bases in registries; default: asked anew. */
  readonly sourceOf?: SourceOf
  /** `Store.gzipSource` is going to be asked for the base's blobs; default: false. */
  readonly blocks?: boolean
  /** Its tree is going to be asked for, unless all that the build makes is known; default: false. */
  readonly unpacked?: boolean
  /** Its files are going to be in a new layer; default: true. */
  readonly isWritten?: boolean
  /** The caller's: for its proxies. */
  readonly env: Readonly<Record<string, string | undefined>>
  readonly report: Report
  readonly signal: AbortSignal
}

/** The base that the plan names, resolved; its layers stay where they are until they are asked for. */
export async function openBase(base: PlannedBase, options: OpenBaseOptions): Promise<Base> {
  switch (base.kind) {
    case 'scratch':
      return scratchBase(options.platform)
    case 'debian': {
      const { debianBase } = await import('./debian-base.ts')
      return await debianBase({ debian: base.debian, ...options })
    }
    case 'docker': {
      const { sourceOf = (reference) => mirroredSource(reference, options.connection) } = options
      const source = await sourceOf(base.reference)
      return await sourceBase({ source, name: source.name, reference: base.reference, ...options })
    }
    case 'oci':
      return await sourceBase({ source: layoutSource(base.folder, base.tag), name: nameOf(base), ...options })
    default:
      return await archiveBase(base, options)
  }
}

type LocalBase = Extract<PlannedBase, { kind: 'oci' | 'oci-archive' | 'docker-archive' }>

async function archiveBase(base: Exclude<LocalBase, { kind: 'oci' }>, options: OpenBaseOptions): Promise<Base> {
  const work = await options.store.workFolder('archive')
  const spool = join(work.path, 'uncompressed.tar')
  const source =
    base.kind === 'oci-archive'
      ? ociArchiveSource(base.file, base.tag, spool)
      : dockerArchiveSource(base.file, base.image, spool)
  const opened = await sourceBase({ source, name: nameOf(base), ...options }).catch(async (error: unknown) => {
    await source.close()
    await work[Symbol.asyncDispose]()
    throw error
  })
  const close = async () => {
    await opened.close()
    await work[Symbol.asyncDispose]()
  }
  return { ...opened, close }
}

/** The file's own name without its folder: where the build happened must not reach the image. */
function nameOf(base: LocalBase): string {
  return `${base.kind}:${basename(base.kind === 'oci' ? base.folder : base.file)}`
}

function scratchBase(platform: Platform): Base {
  return {
    name: 'scratch',
    digest: undefined,
    config: scratchConfig(platform),
    contents: [],
    blobs: [],
    reference: undefined,
    layers: async () => [],
    tree: async () => EMPTY,
    tars: async () => [],
    created: async () => 0,
    openBlob: () => {
      throw new Error('scratch has no blobs')
    },
    close: async () => {},
  }
}
