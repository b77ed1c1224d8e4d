import { join } from 'node:path'
import { ContentsAbsent } from '../oci/absent-file.ts'
import { diff, isEmptyLayer } from '../oci/diff.ts'
import type { Digest } from '../oci/digest.ts'
import { divide, type Section } from '../oci/divide.ts'
import type { Tree } from '../oci/node.ts'
import { normalise } from '../provision/normalisers.ts'
import type { Sandbox } from '../provision/sandbox.ts'
import type { Plan } from '../spec/plan.ts'
import type { Base } from './base.ts'
import { startKey } from './cache-keys.ts'
import { hasToRun } from './known-results.ts'
import type { LaidTarball } from './layer-sources.ts'
import { NewestInput } from './newest-input.ts'
import { performSteps } from './perform-steps.ts'
import { StepCache } from './step-cache.ts'
import type { BuildSurroundings } from './surroundings.ts'
import type { BuildInputs } from './take-inputs.ts'
import { laidOver } from './unread-base.ts'
import { noting, type Warning } from './warnings.ts'

/** What all steps of a plan come to. */
export interface Made {
  /** The whole filesystem. */
  tree(): Promise<Tree>
  /** What is shipped of it, in the order in which the layer has it. None when nothing is. */
  readonly sections: readonly Section[]
  /** Those that are kept of what steps unpacked, in the steps' order. */
  readonly tarballs: readonly LaidTarball[]
  /** The image's time, seconds since 1970 UTC. */
  readonly created: number
  /** Of the steps' keys, when all is kept; undefined when the cache could not keep one of them. @throws DISK_FULL */
  readonly key: Promise<Digest | undefined>
  readonly warnings: readonly Warning[]
  /** The filesystem of the base, and what it was after each step; undefined when nobody had to know. */
  readonly trees: { readonly base: Tree; readonly after: readonly Tree[] } | undefined
}

/** Whether a plan adds nothing: then nobody needs to know what is in its base, whose layers need not be fetched. */
export function addsNothing(plan: Plan): boolean {
  return plan.layers === 'append' && plan.steps.length === 0
}

/** Whether what is in the base decides what a plan makes. */
export function needsBase(plan: Plan): boolean {
  return plan.readBase && !addsNothing(plan)
}

/** Performs the steps on the base, and normalises what they leave. @throws what steps throw */
export async function makeTree(
  plan: Plan,
  base: Base,
  inputs: BuildInputs,
  options: BuildSurroundings & { readonly lacksFiles: boolean },
): Promise<Made> {
  const key = startKey(inputs.start)
  if (addsNothing(plan)) {
    return {
      tree: () => base.tree(),
      sections: [],
      tarballs: [],
      created: inputs.start.created,
      key: Promise.resolve(key),
      warnings: [],
      trees: undefined,
    }
  }
  // A script whose result was thought to be known would see files without anything in them.
  const sandbox = options.lacksFiles ? absent : lazySandbox(options)
  // Trying one takes a while in which the base is fetched or read. A failure is told by the step that needs it.
  await using _ = (await hasToRun(plan, inputs, options)) ? begun(sandbox()) : null
  const below = await base.tree()
  const attempt = (notBefore: number) => performAll(below, plan, base, inputs, { ...options, sandbox }, notBefore)
  let done = await attempt(inputs.start.created)
  // A result from the cache is as old as its run, and the image turned out to be newer: times would tell.
  if (done.cache.oldest < done.created) {
    // What was run now is found then.
    await done.cache.key
    done = await attempt(done.created)
  }
  const { created, cache, tarballs, warnings, after } = done
  const tree = await normalise(after.at(-1) ?? below, { base: below, created }, plan.normalise)
  const trees = { base: below, after }
  return {
    tree: async () => tree,
    sections: shipped(plan, below, tree),
    tarballs,
    created,
    key: cache.key,
    warnings,
    trees,
  }
}

function shipped({ file, layers, readBase }: Plan, below: Tree, tree: Tree): readonly Section[] {
  if (layers === 'squash') return divide(below, tree)
  const layer = readBase ? diff(below, tree) : laidOver(tree, file)
  return isEmptyLayer(layer) ? [] : [{ layer }]
}

interface Surroundings extends Omit<BuildSurroundings, 'sandbox'> {
  readonly sandbox: ReturnType<typeof lazySandbox>
}

async function performAll(
  below: Tree,
  plan: Plan,
  base: Base,
  { start, fingerprints, changes }: BuildInputs,
  options: Surroundings,
  notBefore: number,
) {
  const { store, cacheRepo, env, network, signal, sandbox, roots, aside, blocks, ownOutputs, cache: use } = options
  const newest = new NewestInput(plan.created, start.created)
  const known = { store, cacheRepo, inputs: fingerprints, changes, use, start: startKey(start), notBefore, aside }
  const cache = new StepCache(known)
  const { Env = [], WorkingDir: workdir } = base.config.config ?? {}
  const { report, warnings } = noting(options.report)
  const tarballs: LaidTarball[] = []
  const after = await performSteps(below, plan, {
    ...{ store, sandbox, roots, cache, newest, env, network, blocks, tarballs, ownOutputs, report, signal },
    baseEnv: Object.fromEntries(Env.map(splitVariable)),
    baseWorkdir: workdir === undefined || workdir === '' ? '/' : workdir,
    logFolder: join(store.root, 'logs'),
  })
  return { after, cache, tarballs, created: newest.seconds, warnings }
}

/** `NAME=value`, as configs have it; a name alone is empty. */
function splitVariable(pair: string): [string, string] {
  const [name, ...value] = pair.split('=')
  return [name!, value.join('=')]
}

async function absent(): Promise<never> {
  throw new ContentsAbsent()
}

/** What is not needed after all is waited for at the end: its folder goes with the store. */
function begun(trying: Promise<unknown>): AsyncDisposable {
  const tried = trying.catch(() => {})
  return { [Symbol.asyncDispose]: async () => void (await tried) }
}

/** Probed once, and only when a step wants to run something. */
function lazySandbox({ store, sandbox, env, allowInexactOwnership = false, report }: BuildSurroundings) {
  let chosen: Promise<Sandbox> | undefined
  const choose = async () => {
    const { chooseSandbox } = await import('../provision/choose-sandbox.ts')
    return await chooseSandbox(sandbox, { env, allowInexactOwnership }, store, report)
  }
  return () => (chosen ??= choose())
}
