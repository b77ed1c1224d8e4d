import type { Place } from '../value.ts'
import { quotedWord } from './run-script.ts'
import { addStep, type StageState, type UnmadeFolder } from './stage-state.ts'

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

/** Takes a WORKDIR, which is made when something needs it: a copy into it makes it, too. */
export function takeFolder(path: string, place: Place, state: StageState): void {
  const { unmade, user } = state
  const isWithin = unmade !== undefined && path.startsWith(`${unmade.path}/`) && user === unmade.user
  if (unmade?.path !== path && !isWithin) makeFolder(state)
  if (unmade?.path !== path || state.unmade === undefined) state.unmade = { path, user, place }
}

/** USER stands for root. */
export function isRoot({ user }: { readonly user: string | undefined }): boolean {
  return user === undefined || /^(root|0)(:|$)/.test(user)
}

function makeByScript({ path, user, place }: UnmadeFolder, state: StageState): void {
  const word = quoted(path)
  const make = `mkdir -p ${word}`
  const run = isRoot({ user }) ? make : `test -d ${word} || { ${make} && chown ${ownerOf(user)} ${word}; }`
  addStep(state, { run: state.context.hidden.show(run) }, place)
}

function makeByFile({ path, user, place }: UnmadeFolder, state: StageState): void {
  const { hidden } = state.context
  const file = hidden.show(`${path}/.ocibake-folder`)
  addStep(state, { write: file, text: '' }, place, ['Makes the folder, as WORKDIR does.'])
  addStep(state, { remove: file }, place)
  if (user === undefined || isRoot({ user })) return
  addStep(state, { own: hidden.show(path), by: hidden.show(user), recursive: false }, place)
}

/** As BuildKit has it: the user's own group, or the group of the same number. */
function ownerOf(user = ''): string {
  if (user.includes(':')) return quoted(user)
  return /^\d+$/.test(user) ? `${user}:${user}` : `${quoted(user)}:`
}

/** A hidden variable in a word may be anything. */
function quoted(text: string): string {
  return /[\u{100000}-\u{10fffd}]/u.test(text) ? `"${text}"` : quotedWord(text)
}
