import { resolve } from 'node:path'
import type { Base } from '../build/base.ts'
import { openBase } from '../build/open-base.ts'
import { OcibakeError } from '../errors.ts'
import { silent } from '../events.ts'
import { display } from '../oci/name.ts'
import type { Node } from '../oci/node.ts'
import { formatPlatform, hostPlatform, parsePlatform } from '../oci/platform.ts'
import { walk } from '../oci/walk.ts'
import { count, formatBytes } from '../report/quantities.ts'
import { planBase } from '../spec/plan.ts'
import { inspectArchive, isArchive } from './inspect-archive.ts'
import type { SessionOptions } from './options.ts'
import { openSession } from './session.ts'
import type { Surroundings } from './surroundings.ts'

export interface InspectActionOptions extends SessionOptions {
  readonly files?: boolean
  readonly json?: boolean
  readonly platform?: string
}

/** Prints what an image, or a tarball to unpack, is. Its layers are only fetched for `--files`. */
export async function inspectAction(text: string, options: InspectActionOptions, around: Surroundings): Promise<void> {
  if (isArchive(text)) {
    await using session = await openSession(options, around, silent)
    return await inspectArchive(text.includes('://') ? text : resolve(text), session, around)
  }
  const planned = planBase(text, resolve('.'))
  if (planned.kind === 'scratch') {
    throw new OcibakeError('USAGE', "'scratch' is no image: there is nothing in it.")
  }
  await using session = await openSession(options, around, silent)
  const platform = options.platform === undefined ? hostPlatform() : parsePlatform(options.platform)
  const base = await openBase(planned, { ...session, platform, env: around.env, report: silent, signal: around.signal })
  try {
    around.stdout(options.json === true ? await asJson(base, options) : await asText(base, options))
  } finally {
    await base.close()
  }
}

async function asJson(base: Base, options: InspectActionOptions): Promise<string> {
  const layers = await base.layers()
  const files = options.files === true ? await filesOf(base) : undefined
  const { name, digest, index, config } = base
  return `${JSON.stringify({ name, digest, index, config, layers, files }, null, 2)}\n`
}

async function asText(base: Base, options: InspectActionOptions): Promise<string> {
  const { config, os, architecture, variant, created } = base.config
  const layers = await base.layers()
  const size = layers.reduce((sum, layer) => sum + layer.size, 0)
  const platform = formatPlatform({ os, architecture, ...(variant === undefined ? {} : { variant }) })
  const lines = [
    `name      ${base.name}`,
    `digest    ${base.digest}`,
    ...(base.index ?? []).map((image) => `index     ${image.digest} ${image.platform ?? 'for no platform'}`),
    `platform  ${platform}`,
    ...(created === undefined ? [] : [`created   ${created}`]),
    ...Object.entries(config ?? {}).map(([name, value]) => `config    ${name} ${JSON.stringify(value)}`),
    `layers    ${count(layers.length, 'layer')}, ${formatBytes(size)}`,
    ...layers.map((layer) => `          ${layer.digest} ${formatBytes(layer.size)} ${layer.mediaType}`),
  ]
  if (options.files === true) lines.push(...(await filesOf(base)).map(lineOf))
  return `${lines.map((line) => line.trimEnd()).join('\n')}\n`
}

interface ListedFile {
  readonly path: string
  readonly kind: string
  readonly mode: string
  readonly uid: number
  readonly gid: number
  readonly size: number
  readonly target?: string
}

async function filesOf(base: Base): Promise<ListedFile[]> {
  const listed: ListedFile[] = []
  for (const [path, node] of walk(await base.tree())) {
    if (!('attrs' in node) || node.attrs === null) continue
    const { mode, uid, gid } = node.attrs
    listed.push({
      path: `/${display(path)}`,
      kind: kindOf(node),
      mode: mode.toString(8).padStart(4, '0'),
      uid,
      gid,
      size: node.kind === 'file' ? node.content.size : 0,
      ...(node.kind === 'symlink' ? { target: display(node.target) } : {}),
    })
  }
  return listed
}

function kindOf(node: Node): string {
  return node.kind === 'special' ? node.type : node.kind
}

function lineOf({ path, kind, mode, uid, gid, size, target }: ListedFile): string {
  const owner = `${uid}:${gid}`
  const arrow = target === undefined ? '' : ` -> ${target}`
  return `${kind.padEnd(9)} ${mode} ${owner.padEnd(11)} ${String(size).padStart(10)} ${path}${arrow}`
}
