import type { CopyJob } from './copy-job.ts'
import { shownFields } from './hidden-text.ts'
import { addStep, addTodo, type StageState } from './stage-state.ts'

/** ADD of something that is not on this machine. */
export function addAddress(word: string, { to, options, instruction }: CopyJob, state: StageState): void {
  const { notes } = state.context
  const { place } = instruction
  const shown = word.replace(/\/\/[^/@]*@/, '//').replace(/\?.*/, '')
  const isGit = !/^https?:/.test(word) || /\.git(#|$)/.test(word)
  if (isGit) {
    notes.add('OB273', place, `ADD clones '${shown}', which no step does.`, 'Clone it before the build, and copy it.')
    addTodo(state, `clone ${shown} beside the spec, and copy it to ${to.path}.`, place)
  } else if (options.unpack === true) {
    const sha256 = /^sha256:([0-9a-f]{64})$/.exec(options.checksum ?? '')?.[1]
    const check = sha256 === undefined ? { unverified: true } : { sha256 }
    addStep(
      state,
      shownFields({ unpack: word, to: to.path, owner: options.owner ?? 'archive', ...check }, state),
      place,
    )
    notes.add('OB203', place, `\`ADD --unpack\` of '${shown}'`, 'An `unpack` step.')
  } else {
    const advice = 'Fetch it before the build and `copy` it, or write `unpack` if a script unpacks it.'
    notes.add('OB272', place, `ADD fetches '${shown}' as it is, which no step does.`, advice)
    addTodo(state, `fetch ${shown} beside the spec, and copy it to ${to.path}.`, place)
  }
}
