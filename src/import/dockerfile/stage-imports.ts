import type { Draft, DraftVariable } from '../draft.ts'
import type { ImportedImage } from '../imported.ts'
import { ImageFolders } from '../packer/image-folders.ts'
import { isSecretName } from '../secret-name.ts'
import type { Place, Text } from '../value.ts'
import type { BuildContext } from './build-context.ts'
import { madeFiles } from './made-files.ts'
import { noteDecided, noteUnknown } from './note-variables.ts'
import { PLATFORM_CODE } from './platform-args.ts'
import { invalid } from './read-dockerfile.ts'
import { Scope } from './scope.ts'
import { SpecNames } from './spec-names.ts'
import { stageBase } from './stage-base.ts'
import type { OtherImage, StageState } from './stage-state.ts'
import { type Stage, stageNamed } from './stages.ts'
import { translateStage } from './translate-stage.ts'

export interface Shared extends Pick<StageState, 'context' | 'given' | 'platform' | 'escaper'> {
  /** Of the last image; those of stages begin with it. */
  readonly name: string
  readonly stages: readonly Stage[]
  /** What FROM sees. */
  readonly global: Scope
  readonly args: ReadonlyMap<string, Text>
  readonly files: BuildContext
}

interface Translated {
  readonly draft: Draft
  readonly state: StageState | undefined
  /** Others stand on it. */
  isBase: boolean
  /** Others copy its files. */
  isCopied: boolean
}

/** The stages of a Dockerfile as images, each once, in the order in which they are to be built. */
export class StageImports {
  readonly #shared: Shared
  readonly #target: Stage
  readonly #names: SpecNames
  readonly #done = new Map<Stage | string, Translated>()

  constructor(shared: Shared, target: Stage) {
    this.#shared = shared
    this.#target = target
    this.#names = new SpecNames(shared.name, shared.stages, target)
  }

  /** Those that the target needs, and the target last. */
  images(): ImportedImage[] {
    const { stages, global, context } = this.#shared
    const says = 'Docker makes a layer of each instruction that changes files; here the image is one layer.'
    const advice = "Write layers: 'append' to keep the base's layers and send one more."
    context.notes.add('OB230', this.#target.from.place, says, advice)
    this.#stage(this.#target)
    noteDecided(
      global,
      stages.map(({ from }) => from),
      context.notes,
    )
    this.#noteNeedless()
    return [...this.#done.values()].map(({ draft, isBase, isCopied }) => ({
      draft,
      flags: isCopied
        ? ['--output', `rootfs:${tarballOf(draft.name)}`, ...(isBase ? ['--output', `oci:out/${draft.name}`] : [])]
        : [],
    }))
  }

  #noteNeedless(): void {
    const { stages, context } = this.#shared
    const wanted = this.#target === stages.at(-1) ? 'last one' : `stage '${calledOf(this.#target)}'`
    for (const stage of stages.filter((one) => !this.#done.has(one))) {
      const says = `The stage '${calledOf(stage)}' is not needed for the ${wanted}: it is not imported.`
      const advice = `Import it by --only ${calledOf(stage)} if it is built on its own.`
      context.notes.add('OB255', stage.from.place, says, advice)
    }
  }

  #stage(stage: Stage): Translated {
    const known = this.#done.get(stage)
    if (known !== undefined) return known
    const { context, args, stages, global } = this.#shared
    const base = stageBase(stage, stages, global, context)
    const below = base.below === undefined ? undefined : this.#below(base.below, stage)
    const state = this.#begin(stage, below?.state, base.isBare)
    if (below === undefined) context.notes.add('OB201', stage.from.place, '`FROM`', '`from`')
    if (below === undefined && !base.isBare) noteUser(stage, context.notes)
    const { steps, config, comments } = translateStage(state, args)
    noteUnknown(state)
    noteDecided(state.scope, stage.instructions, context.notes)
    const from = below === undefined ? base.image : `oci:out/${below.draft.name}`
    const draft: Draft = {
      ...{ name: this.#names.ofStage(stage), from, steps, config, tags: [], others: {} },
      ...(base.platform === undefined ? {} : { platform: base.platform }),
      ...(comments.length === 0 ? {} : { comments: { config: comments } }),
      variables: variablesOf(state),
    }
    const translated = { draft, state, isBase: false, isCopied: false }
    this.#done.set(stage, translated)
    return translated
  }

  /** The stage that another stands on. */
  #below(below: Stage, { from, base }: Stage): Translated {
    const translated = this.#stage(below)
    translated.isBase = true
    const become = `The image of ${translated.draft.name}.spec.ts, which is to be built first.`
    this.#shared.context.notes.add('OB209', from.place, `\`FROM ${base}\``, become)
    return translated
  }

  #begin(stage: Stage, below: StageState | undefined, isBare: boolean): StageState {
    const { context, escaper, files, given, platform } = this.#shared
    return {
      ...{ context, escaper, files, given, platform, stage },
      scope: new Scope(context.hidden, escaper, below?.scope, isBare),
      otherImage: (word, place) => this.#other(word, place, stage),
      ...{ actions: [], config: new Map(), comments: [] },
      folders: new ImageFolders(below === undefined ? (isBare ? ['/'] : undefined) : below.folders.all),
      ...{ user: below?.user, workdir: below?.workdir, unmade: undefined, shell: below?.shell },
    }
  }

  /** A stage, or an image, of which files are copied. */
  #other(word: string, place: Place, stage: Stage): OtherImage {
    const found = stageNamed(this.#shared.stages, word, stage.index)
    if (found === undefined && /^\d+$/.test(word))
      throw invalid(place, `There is no stage ${word} before this one.`, 'The first one is 0.')
    const translated = found === undefined ? this.#image(word, place) : this.#stage(found)
    translated.isCopied = true
    const files = translated.state === undefined ? NONE : madeFiles(translated.state)
    return { tarball: tarballOf(translated.draft.name), stage: found, files }
  }

  /** An image that is no stage, with a small spec of its own. */
  #image(word: string, place: Place): Translated {
    const { context } = this.#shared
    const known = this.#done.get(word)
    const draft = (): Draft => {
      const name = this.#names.ofImage(word)
      return { name, from: context.hidden.show(word), steps: [], config: {}, tags: [], others: {} }
    }
    const translated = known ?? { draft: draft(), state: undefined, isBase: false, isCopied: true }
    this.#done.set(word, translated)
    const become = `${translated.draft.name}.spec.ts, for the files of that image.`
    context.notes.add('OB209', place, `\`--from=${word}\``, become)
    return translated
  }
}

const NONE: ReadonlySet<string> = new Set()
const tarballOf = (name: string) => `out/${name}.tar`
const calledOf = ({ name, index }: Stage) => name ?? String(index)

function variablesOf({ scope, platform }: StageState): DraftVariable[] {
  const args = [...scope.args.keys()].map((name) => ({
    name,
    comment: [],
    ...(isSecretName(name) ? { sensitive: true } : {}),
    ...(platform.declared.has(name) ? { code: PLATFORM_CODE.get(name)! } : {}),
  }))
  const unknown = [...scope.unknown].filter((name) => !scope.args.has(name))
  return [...args, ...unknown.map((name) => ({ name, comment: ['TODO: the value that the base has for it.'] }))]
}

function noteUser({ instructions, from }: Stage, notes: StageState['context']['notes']): void {
  const first = instructions.find(({ keyword }) => keyword === 'RUN' || keyword === 'USER')
  if (first?.keyword !== 'RUN') return
  const says = "Docker runs scripts as the base's USER; here they run as root until a USER is set."
  notes.add('OB231', from.place, says, 'Write `user` in the steps if the base has a USER.')
}
