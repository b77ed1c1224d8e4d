import type { DraftFields } from '../draft.ts'
import type { Action } from './action.ts'
import type { Context } from './context.ts'
import { noteVolumes } from './find-defects.ts'
import type { Options } from './options.ts'

/** What is otherwise in every image of a builder, as far as the build has it at all. */
export function noteBuild(source: Options, config: DraftFields, actions: readonly Action[], context: Context): void {
  const { notes, isMachine } = context
  const { place } = source.block
  if (source.has('export_path')) {
    const says = 'Packer left an empty /packer-files in what it exported; here there is none.'
    notes.add('OB170', place, says, 'Make it by a step if something looks for it.')
  } else if (!isMachine) {
    const says =
      "Packer put a layer over the base's, with an empty /packer-files; here the image is one layer without it."
    notes.add('OB170', place, says, "Write layers: 'append' to keep the base's layers and send one more.")
  }
  const { volumes } = config
  const paths = Array.isArray(volumes) ? volumes.filter((path) => typeof path === 'string') : []
  noteVolumes(paths, actions, context)
  const copied = actions.flatMap((action) =>
    action.kind === 'step' && action.step.step?.copy !== undefined ? [action.step] : [],
  )
  const [copy] = copied
  if (copy !== undefined) {
    const says = 'Owners and modes of the host, and modes of folders, got into the image with every file.'
    const advice =
      'Here files are 0:0 and 0644 or 0755, and folders of the image keep theirs; `owner` and `mode` say otherwise.'
    notes.add('OB109', copy.places[0]!, says, advice)
  }
  const script = actions.find(({ kind }) => kind === 'script')
  if (script?.kind !== 'script') return
  const who = isMachine ? 'the user of its ssh connection, in its home' : "the base's USER"
  const says = `Scripts ran as ${who}, with PACKER_BUILD_NAME and PACKER_BUILDER_TYPE set; here they run as root, without them.`
  notes.add('OB171', script.place, says, 'Write `user`, `workdir` or `env` in steps that need it.')
}
