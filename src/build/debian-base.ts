import { createReadStream } from 'node:fs'
import type { Report } from '../events.ts'
import { apply } from '../oci/apply.ts'
import { type ImageConfig, scratchConfig } from '../oci/config.ts'
import { diff } from '../oci/diff.ts'
import type { Digest } from '../oci/digest.ts'
import { DEFAULT_PATH } from '../oci/environment.ts'
import type { Layer } from '../oci/layer.ts'
import { layerOfTar } from '../oci/layer-read.ts'
import { EMPTY, type Tree } from '../oci/node.ts'
import { formatPlatform, type Platform } from '../oci/platform.ts'
import type { Store } from '../oci/store.ts'
import type { IndexedTar } from '../oci/store-layers.ts'
import { writeLayer } from '../oci/write-layer.ts'
import { type DebianOptions, debianKey, debianTar } from '../provision/debian.ts'
import { proxyVariables } from '../provision/proxy-variables.ts'
import type { DebianBase } from '../spec/spec.ts'
import type { Base } from './base.ts'

export interface DebianBaseOptions {
  readonly debian: DebianBase
  readonly platform: Platform
  readonly store: Store
  /** The caller's: for its proxies. */
  readonly env: Readonly<Record<string, string | undefined>>
  readonly report: Report
  readonly signal: AbortSignal
}

/** A base made from Debian's packages, or taken from the store when the same went into one before. */
export async function debianBase(options: DebianBaseOptions): Promise<Base> {
  const { debian, platform, store, report, signal } = options
  const tar = await debianTarOf(options)
  let made: Tree | undefined
  const treeOf = () => (made ??= treeIn(tar))
  const name = `debian ${debian.debian}`
  report({ type: 'base-resolved', base: `${name}, ${formatPlatform(platform)}`, digest: tar.diffId, layers: 1 })
  let layers: Promise<readonly Layer[]> | undefined
  const packed = async () => [
    await writeLayer(store, diff(EMPTY, treeOf()), { compression: 'gzip', mediaTypes: 'oci', signal }),
  ]
  return {
    name,
    digest: undefined,
    config: configOf(platform),
    contents: [tar.diffId],
    blobs: [],
    reference: undefined,
    layers: () => (layers ??= packed()),
    tree: async () => treeOf(),
    tars: async () => [tar.file],
    created: async () => Iterator.from(tar.entries()).reduce((newest, { mtime }) => Math.max(newest, mtime), 0),
    openBlob: (descriptor, start) => store.openBlob(descriptor.digest, start),
    close: async () => {},
  }
}

function treeIn(tar: IndexedTar): Tree {
  return apply(EMPTY, layerOfTar(tar))
}

/** Whether the store has this base, made from what the archives hold now: asks the archives, makes nothing. */
export async function isDebianBaseCached(
  options: Pick<DebianBaseOptions, 'debian' | 'platform' | 'store' | 'signal'>,
): Promise<boolean> {
  const key = await debianKey(orderOf(options), options.signal)
  return (await options.store.findTar(digestOfKey(key))) !== undefined
}

function orderOf({ debian, platform }: Pick<DebianBaseOptions, 'debian' | 'platform'>): DebianOptions {
  const { architecture, variant } = platform
  return {
    suite: debian.debian,
    variant: debian.variant ?? 'minbase',
    include: debian.include ?? [],
    ...(debian.mirror === undefined ? {} : { mirror: debian.mirror }),
    ...(debian.snapshot === undefined ? {} : { snapshot: debian.snapshot }),
    architecture: variant === undefined ? architecture : `${architecture}/${variant}`,
  }
}

async function debianTarOf(options: DebianBaseOptions): Promise<IndexedTar> {
  const { debian, store, env, report, signal } = options
  const order = orderOf(options)
  const known = await store.findTar(digestOfKey(await debianKey(order, signal)))
  if (known !== undefined) {
    report({ type: 'note', message: `Debian ${debian.debian}: the base in the cache is up to date` })
    return known
  }
  await using work = await store.workFolder('debian')
  const { path, key } = await debianTar(order, { folder: work.path, proxyEnv: proxyVariables(env), signal, report })
  return await store.ingestTar(createReadStream(path, { highWaterMark: 1 << 20 }), { key: digestOfKey(key), signal })
}

const digestOfKey = (key: string): Digest => `sha256:${key}`

/** What Debian's own images have in their config. */
function configOf(platform: Platform): ImageConfig {
  return { ...scratchConfig(platform), config: { Env: [`PATH=${DEFAULT_PATH}`], Cmd: ['bash'] } }
}
