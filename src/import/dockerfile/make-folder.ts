import { quotedWord } from './run-script.ts'
import { addStep, type StageState } from './stage-state.ts'

/** The folder of the last WORKDIR, which Docker makes, if the base may be without it and nothing has made it since. */
export function makeFolder(state: StageState): void {
  const { unmade, context, user, folders } = state
  if (unmade === undefined) return
  const { path, place } = unmade
  state.unmade = undefined
  if (folders.has(path)) return
  folders.add(path)
  const isRoot = user === undefined || /^(root|0)(:|$)/.test(user)
  const word = quoted(path)
  const owned = isRoot ? '' : ` && chown ${ownerOf(user)} ${word}`
  const run = isRoot ? `mkdir -p ${word}` : `test -d ${word} || { mkdir -p ${word}${owned}; }`
  addStep(state, { run: context.hidden.show(run) }, place)
}

/** The same in an image that may have no shell: a file makes its folder. */
export function makeFolderWithoutShell(state: StageState): void {
  const { unmade, context, folders } = state
  if (unmade === undefined) return
  const { path, place } = unmade
  state.unmade = undefined
  if (folders.has(path)) return
  const file = context.hidden.show(`${path}/.ocibake-folder`)
  addStep(state, { write: file, text: '' }, place, ['Makes the folder, as WORKDIR does.'])
  addStep(state, { remove: file }, place)
}

/** As BuildKit has it: the user's own group, or the group of the same number. */
function ownerOf(user: string): string {
  if (user.includes(':')) return quoted(user)
  return /^\d+$/.test(user) ? `${user}:${user}` : `${quoted(user)}:`
}

/** A hidden variable in a word may be anything. */
function quoted(text: string): string {
  return /[\u{100000}-\u{10fffd}]/u.test(text) ? `"${text}"` : quotedWord(text)
}
