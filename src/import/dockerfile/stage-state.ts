import type { DraftFields, DraftValue } from '../draft.ts'
import type { Action } from '../packer/action.ts'
import type { Context } from '../packer/context.ts'
import type { ImageFolders } from '../packer/image-folders.ts'
import type { Place } from '../value.ts'
import type { BuildContext } from './build-context.ts'
import type { PlatformArgs } from './platform-args.ts'
import type { Scope } from './scope.ts'
import type { Stage } from './stages.ts'

/** What the instructions of a stage have come to so far. Texts have their variables hidden in them. */
export interface StageState {
  readonly context: Context
  readonly scope: Scope
  readonly files: BuildContext
  readonly escaper: string
  readonly stage: Stage
  /** `--build-arg`. */
  readonly given: Readonly<Record<string, string>>
  readonly platform: PlatformArgs
  /** The stage that a name means here, by what its spec is called; an image gets a spec of its own. */
  readonly otherImage: (word: string, place: Place) => OtherImage
  readonly actions: Action[]
  readonly folders: ImageFolders
  readonly config: Map<string, DraftValue>
  readonly comments: string[]
  /** USER; undefined is the base's. */
  user: string | undefined
  /** WORKDIR, absolute; undefined is the base's. */
  workdir: string | undefined
  /** A WORKDIR that nothing has made yet. */
  unmade: UnmadeFolder | undefined
  /** SHELL; undefined is the base's, or Docker's own. */
  shell: readonly string[] | undefined
}

/** What a WORKDIR names, and who was the USER then. */
export interface UnmadeFolder {
  readonly path: string
  readonly user: string | undefined
  readonly place: Place
}

/** An image whose files another one copies. */
export interface OtherImage {
  /** The tarball of its files, relative to the spec. */
  readonly tarball: string
  /** Its stage, if it is one. */
  readonly stage: Stage | undefined
  /** Of those in it, the ones that are files for sure; absolute. */
  readonly files: ReadonlySet<string>
}

/** Adds a step. */
export function addStep(
  { actions }: StageState,
  step: DraftFields,
  place: Place,
  comment: readonly string[] = [],
): void {
  actions.push({ kind: 'step', step: { step, comment, places: [place] } })
}

/** Adds a comment in the place of what could not be imported. */
export function addTodo({ actions }: StageState, comment: string, place: Place): void {
  actions.push({ kind: 'step', step: { comment: [`TODO: ${comment}`], places: [place] } })
}
