import { join, resolve } from 'node:path'
import { assemble } from './build/assemble.ts'
import type { Base } from './build/base.ts'
import { NewestInput } from './build/newest-input.ts'
import { openBase } from './build/open-base.ts'
import { performSteps } from './build/perform-steps.ts'
import { preflight } from './build/preflight.ts'
import { type Shipped, ship } from './build/ship.ts'
import type { Report } from './events.ts'
import { diff, isEmptyLayer } from './oci/diff.ts'
import type { Image } from './oci/image.ts'
import type { Layer } from './oci/layer.ts'
import { type Directory, directory, EMPTY, type Tree } from './oci/node.ts'
import { formatPlatform } from './oci/platform.ts'
import type { Store } from './oci/store.ts'
import type { Transport } from './oci/transport.ts'
import { writeLayer } from './oci/write-layer.ts'
import { normalise } from './provision/normalisers.ts'
import type { Sandbox } from './provision/sandbox.ts'
import type { RegistryConnection } from './registry/connection.ts'
import type { Plan } from './spec/plan.ts'

export interface BuildOptions {
  /** Opened by the caller, who closes it. */
  readonly store: Store
  readonly connection: RegistryConnection
  /** Push to every tag of the plan. */
  readonly push: boolean
  /** Written beside or instead of a push. */
  readonly outputs: readonly Transport[]
  /** 'auto' or the name of one. */
  readonly sandbox: string
  /** A sandbox will do that loses owners that scripts give to files; default: false. */
  readonly allowInexactOwnership?: boolean
  /** For proxies of scripts and `env:` secrets. */
  readonly env: Readonly<Record<string, string | undefined>>
  readonly report: Report
  readonly signal: AbortSignal
}

export interface BuildResult {
  readonly image: Image
  readonly shipped: Shipped
}

/**
 * Builds the image of a plan, and ships it: writes every output and pushes every tag. Nothing is shipped before the
 * whole image is in the store, so a build that fails leaves no output behind; building again is always safe.
 * @throws OcibakeError of every kind
 */
export async function build(plan: Plan, options: BuildOptions): Promise<BuildResult> {
  const { store, report, signal } = options
  const platform = formatPlatform(plan.platform)
  report({ type: 'build-started', spec: plan.file, platform, steps: plan.steps.length })
  await preflight(plan, options)
  const base = await openBase(plan.base, { ...options, platform: plan.platform })
  try {
    const { tree, layer, created } = await makeTree(plan, base, options)
    const written = await compressed(plan, layer, options)
    const image = await assemble(store, plan, base, written, created)
    const size = image.layers.reduce((sum, layer) => sum + layer.size, image.config.descriptor.size)
    report({ type: 'image-built', digest: image.manifest.digest, size, layers: image.layers.length })
    signal.throwIfAborted()
    const shipped = await ship(image, plan, { ...options, base, tree })
    return { image, shipped }
  } finally {
    await base.close()
  }
}

interface Made {
  /** The whole filesystem. */
  tree(): Promise<Tree>
  readonly layer: Directory
  readonly created: number
}

async function makeTree(plan: Plan, base: Base, options: BuildOptions): Promise<Made> {
  // Nothing is added, so nobody needs to know what is there: the base's layers need not be fetched.
  if (plan.layers === 'append' && plan.steps.length === 0) {
    return { tree: () => base.tree(), layer: directory(), created: plan.created ?? (await base.created()) }
  }
  const below = await base.tree()
  const newest = new NewestInput(plan.created, await base.created())
  const { Env: env = [], WorkingDir: workdir } = base.config.config ?? {}
  const after = await performSteps(below, plan, {
    store: options.store,
    sandbox: lazySandbox(options),
    newest,
    baseEnv: Object.fromEntries(env.map(splitVariable)),
    baseWorkdir: workdir === undefined || workdir === '' ? '/' : workdir,
    env: options.env,
    network: options.connection.network,
    ownOutputs: new Set([options.store.root, ...options.outputs.flatMap(pathOf)]),
    logFolder: join(options.store.root, 'logs'),
    report: options.report,
    signal: options.signal,
  })
  const created = newest.seconds
  const tree = await normalise(after, { base: below, created }, plan.normalise)
  return { tree: async () => tree, layer: diff(plan.layers === 'squash' ? EMPTY : below, tree), created }
}

/** Where an output lands on this machine, if it does. */
function pathOf(output: Transport): string[] {
  if (output.kind === 'docker') return []
  return [resolve(output.kind === 'oci' ? output.folder : output.file)]
}

/** `NAME=value`, as configs have it; a name alone is empty. */
function splitVariable(pair: string): [string, string] {
  const [name, ...value] = pair.split('=')
  return [name!, value.join('=')]
}

/** Probed once, and only when a step wants to run something. */
function lazySandbox({ store, sandbox, env, allowInexactOwnership = false, report }: BuildOptions) {
  let chosen: Promise<Sandbox> | undefined
  const choose = async () => {
    const { chooseSandbox } = await import('./provision/choose-sandbox.ts')
    return await chooseSandbox(sandbox, { env, allowInexactOwnership }, store, report)
  }
  return () => (chosen ??= choose())
}

/** undefined when there is nothing to append. A squashed image always has its one layer. */
async function compressed(plan: Plan, layer: Directory, options: BuildOptions): Promise<Layer | undefined> {
  if (plan.layers === 'append' && isEmptyLayer(layer)) return undefined
  const { store, report, signal } = options
  const task = 'layer'
  report({ type: 'task-started', task, label: 'writing the layer' })
  const written = await writeLayer(store, layer, {
    compression: plan.compression,
    mediaTypes: plan.mediaTypes,
    signal,
    onProgress: (done) => report({ type: 'task-progress', task, done }),
  })
  report({ type: 'task-finished', task })
  return written
}
