import { join } from 'node:path'
import { OcibakeError } from '../errors.ts'
import type { Report } from '../events.ts'
import type { Network } from '../network/network.ts'
import type { PackedTarball } from '../oci/ingest-tarball.ts'
import { makeFolders } from '../oci/make-folders.ts'
import type { Directory, Tree } from '../oci/node.ts'
import type { Store } from '../oci/store.ts'
import { ArchiveTrees } from '../provision/archive-trees.ts'
import { proxyVariables } from '../provision/proxy-variables.ts'
import type { RootKeeper } from '../provision/root-keeper.ts'
import type { Sandbox } from '../provision/sandbox.ts'
import { type BuildFacts, isScript } from '../provision/step.ts'
import type { Plan } from '../spec/plan.ts'
import type { LaidTarball } from './layer-sources.ts'
import type { NewestInput } from './newest-input.ts'
import { ofForeign } from './of-foreign.ts'
import type { StepCache } from './step-cache.ts'
import { ofUnread } from './unread-base.ts'

export interface PerformOptions {
  readonly store: Store
  readonly sandbox: () => Promise<Sandbox>
  readonly cache: StepCache
  readonly roots: RootKeeper
  readonly newest: NewestInput
  /** See ArchiveTools. */
  readonly blocks: boolean
  /** Gets the tarballs of steps, as far as they are kept, in the steps' order. */
  readonly tarballs: LaidTarball[]
  readonly baseEnv: Readonly<Record<string, string>>
  readonly baseWorkdir: string
  /** See BuildFacts. */
  readonly ownOutputs: ReadonlySet<string>
  readonly env: Readonly<Record<string, string | undefined>>
  readonly network: Network
  /** Where the whole logs of scripts are kept. */
  readonly logFolder: string
  readonly report: Report
  readonly signal: AbortSignal
}

/** The trees after each step of the plan. A failure says which step it was. */
export async function performSteps(tree: Tree, plan: Plan, options: PerformOptions): Promise<Tree[]> {
  const { store, sandbox, roots, report, signal, newest, cache, network, blocks, tarballs } = options
  const inputDated = (time: number) => newest.saw(time)
  const unpacked = (packed: PackedTarball, layer: Directory) => void tarballs.push({ packed, layer })
  await makeFolders(options.logFolder)
  const trees: Tree[] = []
  const archiveTrees = new ArchiveTrees()
  const last = plan.steps.findLast(({ step }) => isScript(step))
  for (const planned of plan.steps) {
    const { number, verb, title } = planned
    signal.throwIfAborted()
    report({ type: 'step-started', step: number, verb, title })
    const started = performance.now()
    const build: BuildFacts = {
      platform: plan.platform,
      folder: plan.folder,
      baseEnv: options.baseEnv,
      baseWorkdir: options.baseWorkdir,
      newest: newest.seconds,
      ownOutputs: options.ownOutputs,
      proxyEnv: proxyVariables(options.env),
      env: options.env,
      logFile: join(options.logFolder, `${plan.name}-step-${number}.log`),
      step: number,
      isLastScript: planned === last,
    }
    // What a script takes of memory comes on top.
    if (isScript(planned.step)) archiveTrees.forget()
    try {
      const around = { store, sandbox, roots, report, signal, network, archiveTrees, blocks, inputDated, unpacked }
      trees.push(await cache.perform(trees.at(-1) ?? tree, planned, { ...around, build }))
    } catch (error) {
      if (!(error instanceof OcibakeError)) throw error
      const told = ofForeign(plan.readBase ? error : ofUnread(error), plan.platform)
      throw told.at(`${plan.file}, step ${number} (${verb})`)
    }
    report({ type: 'step-finished', step: number, milliseconds: Math.round(performance.now() - started) })
  }
  return trees
}
