import type { Draft, DraftValue, DraftVariable } from '../draft.ts'
import type { ImportedImage } from '../imported.ts'
import { ImageFolders } from '../packer/image-folders.ts'
import { isSecretName } from '../secret-name.ts'
import type { Place, Text } from '../value.ts'
import type { BuildContext } from './build-context.ts'
import { Unreadable } from './expression.ts'
import { readFlags } from './flags.ts'
import { madeFiles } from './made-files.ts'
import { noteDecided, noteUnknown } from './note-variables.ts'
import { type DockerInstruction, invalid } from './read-dockerfile.ts'
import { Scope } from './scope.ts'
import type { OtherImage, StageState } from './stage-state.ts'
import { type Stage, stageNamed } from './stages.ts'
import { translateStage } from './translate-stage.ts'

export interface Shared extends Pick<StageState, 'context' | 'given' | 'escaper'> {
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
  readonly #done = new Map<Stage | string, Translated>()
  #target: Stage | undefined

  constructor(shared: Shared) {
    this.#shared = shared
  }

  imagesOf(target: Stage): ImportedImage[] {
    this.#target = target
    const { notes } = this.#shared.context
    const says = 'Docker makes a layer of each instruction that changes files; here the image is one layer.'
    notes.add('OB230', target.from.place, says, "Write layers: 'append' to keep the base's layers and send one more.")
    this.#stage(target)
    const { stages, global } = this.#shared
    noteDecided(
      global,
      stages.map(({ from }) => from),
      notes,
    )
    for (const stage of stages.filter((one) => !this.#done.has(one))) {
      const says = `The stage '${stage.name ?? stage.index}' is not needed for the ${target === stages.at(-1) ? 'last one' : `stage '${target.name ?? target.index}'`}: it is not imported.`
      notes.add(
        'OB255',
        stage.from.place,
        says,
        `Import it by --only ${stage.name ?? stage.index} if it is built on its own.`,
      )
    }
    return [...this.#done.values()].map(({ draft, isBase, isCopied }) => ({
      draft,
      flags: isCopied
        ? ['--output', `rootfs:${tarballOf(draft.name)}`, ...(isBase ? ['--output', `oci:out/${draft.name}`] : [])]
        : [],
    }))
  }

  #stage(stage: Stage): Translated {
    const known = this.#done.get(stage)
    if (known !== undefined) return known
    const { context, args } = this.#shared
    const base = this.#base(stage)
    const state = this.#begin(stage, base.translated, base.isBare)
    if (base.isForeign) noteUser(stage, context.notes)
    const { steps, config, comments } = translateStage(state, args)
    noteUnknown(state)
    noteDecided(state.scope, stage.instructions, context.notes)
    const draft: Draft = {
      ...{ name: this.#nameOf(stage), from: base.from, steps, config, tags: [], others: {} },
      ...(base.platform === undefined ? {} : { platform: base.platform }),
      ...(comments.length === 0 ? {} : { comments: { config: comments } }),
      variables: variablesOf(state),
    }
    const translated = { draft, state, isBase: false, isCopied: false }
    this.#done.set(stage, translated)
    return translated
  }

  #begin(stage: Stage, below: StageState | undefined, isBare: boolean): StageState {
    const { context, escaper, files, given } = this.#shared
    return {
      ...{ context, escaper, files, given, stage },
      scope: new Scope(context.hidden, escaper, below?.scope, isBare),
      otherImage: (word, place) => this.#other(word, place, stage),
      ...{ actions: [], config: new Map(), comments: [] },
      folders: new ImageFolders(below === undefined ? (isBare ? ['/'] : undefined) : below.folders.all),
      ...{ user: below?.user, workdir: below?.workdir, unmade: undefined, shell: below?.shell },
    }
  }

  #base({ base, from, index }: Stage): {
    from: DraftValue
    platform: Text | undefined
    translated: StageState | undefined
    isBare: boolean
    isForeign: boolean
  } {
    const { context, global, stages } = this.#shared
    const { notes, hidden } = context
    const word = expanded(base, from, global)
    const stage = stageNamed(stages, word, index)
    const platform = this.#platform(from)
    const none = { platform, translated: undefined, isBare: false, isForeign: false }
    if (stage !== undefined && stage.name === word.toLowerCase()) {
      const below = this.#stage(stage)
      below.isBase = true
      notes.add(
        'OB209',
        from.place,
        `\`FROM ${word}\``,
        `The image of ${below.draft.name}.spec.ts, which is to be built first.`,
      )
      return { ...none, from: `oci:out/${below.draft.name}`, translated: below.state }
    }
    notes.add('OB201', from.place, '`FROM`', '`from`')
    if (word === 'scratch') return { ...none, from: 'scratch', isBare: true }
    return { ...none, from: hidden.show(word), isForeign: true }
  }

  #platform(from: DockerInstruction): Text | undefined {
    const { context, global } = this.#shared
    const flag = readFlags(from).flags.find(({ name }) => name === 'platform')
    if (flag?.value === undefined) return undefined
    const place = from.placeAt(flag.at)
    if (/^\$\{?TARGETPLATFORM\}?$/.test(flag.value)) {
      context.notes.add('OB207', place, '`--platform=$TARGETPLATFORM`', 'Nothing: it is the platform of every build.')
      return undefined
    }
    if (/BUILD(PLATFORM|ARCH)/.test(flag.value)) {
      const says = '`--platform=$BUILDPLATFORM` is this machine, whatever the last image is for.'
      context.notes.add('OB236', place, says, 'Build this spec without --platform.')
      return undefined
    }
    context.notes.add('OB204', place, '`--platform`', '`platform`')
    return context.hidden.show(expanded(flag.value, from, global))
  }

  #other(word: string, place: Place, stage: Stage): OtherImage {
    const { stages, context, name } = this.#shared
    const found = stageNamed(stages, word, stage.index)
    if (found !== undefined) {
      const translated = this.#stage(found)
      translated.isCopied = true
      const files = translated.state === undefined ? NONE : madeFiles(translated.state)
      return { tarball: tarballOf(translated.draft.name), stage: found, files }
    }
    if (/^\d+$/.test(word)) throw invalid(place, `There is no stage ${word} before this one.`, 'The first one is 0.')
    const known = this.#done.get(word)
    const own = `${name}-${word
      .replace(/[@:].*$/s, '')
      .replace(/^.*\//s, '')
      .replace(/[^A-Za-z0-9._-]+/g, '-')}`
    const isTaken = [...this.#done.values()].some(({ draft }) => draft.name === own)
    const draft = { name: isTaken ? `${own}-${this.#done.size}` : own, steps: [], config: {}, tags: [], others: {} }
    const from = context.hidden.show(word)
    const translated = known ?? { draft: { ...draft, from }, state: undefined, isBase: false, isCopied: true }
    this.#done.set(word, translated)
    context.notes.add(
      'OB209',
      place,
      `\`--from=${word}\``,
      `${translated.draft.name}.spec.ts, for the files of that image.`,
    )
    return { tarball: tarballOf(translated.draft.name), stage: undefined, files: NONE }
  }

  #nameOf(stage: Stage): string {
    const { name } = this.#shared
    return stage === this.#target ? name : `${name}-${stage.name ?? stage.index}`
  }
}

const NONE: ReadonlySet<string> = new Set()
const tarballOf = (name: string) => `out/${name}.tar`

/** @throws TEMPLATE_INVALID for what comes to nothing */
function expanded(text: string, from: DockerInstruction, global: Scope): string {
  try {
    const word = global.expand(text)
    if (word !== '') return word
  } catch (error) {
    if (!(error instanceof Unreadable)) throw error
    throw invalid(from.place, `'${text}' cannot be read: ${error.message}.`)
  }
  throw invalid(from.place, `'${text}' comes to nothing: FROM knows variables of ARG before the first FROM alone.`)
}

function variablesOf({ scope }: StageState): DraftVariable[] {
  const args = [...scope.args.keys()].map((name) => ({
    name,
    comment: [],
    ...(isSecretName(name) ? { sensitive: true } : {}),
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
