import { quotedWord } from './run-script.ts'
import { addStep, type StageState } from './stage-state.ts'

/** The folder of the last WORKDIR, which Docker makes, if the base may be without it and nothing has made it since. */
export function makeFolder(state: StageState): void {
  const { unmade, folders, stage } = state
  if (unmade === undefined) return
  state.unmade = undefined
  if (folders.has(unmade.path)) return
  folders.add(unmade.path)
  // An image without scripts may be one without a shell.
  if (stage.instructions.some(({ keyword }) => keyword === 'RUN')) makeByScript(unmade, state)
  else makeByFile(unmade, state)
}

/** Scripts run as root by now. */
export function isRoot({ user }: StageState): boolean {
  return user === undefined || /^(root|0)(:|$)/.test(user)
}

type Unmade = Exclude<StageState['unmade'], undefined>

function makeByScript({ path, place }: Unmade, state: StageState): void {
  const word = quoted(path)
  const make = `mkdir -p ${word}`
  const run = isRoot(state) ? make : `test -d ${word} || { ${make} && chown ${ownerOf(state)} ${word}; }`
  addStep(state, { run: state.context.hidden.show(run) }, place)
}

function makeByFile({ path, place }: Unmade, state: StageState): void {
  const { hidden } = state.context
  const file = hidden.show(`${path}/.ocibake-folder`)
  addStep(state, { write: file, text: '' }, place, ['Makes the folder, as WORKDIR does.'])
  addStep(state, { remove: file }, place)
  if (isRoot(state)) return
  addStep(state, { own: hidden.show(path), by: hidden.show(state.user!), recursive: false }, place)
}

/** As BuildKit has it: the user's own group, or the group of the same number. */
function ownerOf({ user = '' }: StageState): string {
  if (user.includes(':')) return quoted(user)
  return /^\d+$/.test(user) ? `${user}:${user}` : `${quoted(user)}:`
}

/** A hidden variable in a word may be anything. */
function quoted(text: string): string {
  return /[\u{100000}-\u{10fffd}]/u.test(text) ? `"${text}"` : quotedWord(text)
}
