import type { Place } from '../value.ts'
import { type Flag, readFlags } from './flags.ts'
import { checkHidden } from './hidden-text.ts'
import type { DockerInstruction } from './read-dockerfile.ts'
import type { StageState } from './stage-state.ts'

/** The options of COPY and ADD. */
export interface CopyOptions {
  readonly from: { readonly word: string; readonly place: Place } | undefined
  readonly owner: string | undefined
  readonly chmod: { readonly mode: string; readonly place: Place } | undefined
  readonly exclude: readonly string[]
  readonly parents: boolean
  /** ADD alone: `sha256:…`. */
  readonly checksum: string | undefined
  readonly unpack: boolean | undefined
  /** Where in the instruction what follows begins. */
  readonly behind: number
}

/** @throws Unreadable */
export function copyOptions(instruction: DockerInstruction, state: StageState): CopyOptions {
  const { scope } = state
  const { flags, behind } = readFlags(instruction)
  const exclude: string[] = []
  let [from, owner, chmod, checksum, unpack]: [CopyOptions['from'], string?, CopyOptions['chmod']?, string?, boolean?] =
    [undefined]
  let parents = false
  for (const flag of flags) {
    const { name, value = '', at } = flag
    const place = instruction.placeAt(at)
    if (name === 'from') from = { word: scope.expand(value), place }
    else if (name === 'chown') owner = ownerOf(scope.expand(value), state)
    else if (name === 'chmod') chmod = { mode: modeOf(scope.expand(value), state), place }
    else if (name === 'exclude') exclude.push(scope.expand(value))
    else if (name === 'parents') parents = isOn(flag)
    else if (name === 'unpack') unpack = isOn(flag)
    else if (name === 'checksum') checksum = scope.expand(value)
    else if (name === 'link') {
      state.context.notes.add('OB207', place, '`--link`', 'Nothing: there is one layer.')
    } else {
      const says = `${instruction.keyword} has no option \`--${name}\` that is known here.`
      state.context.notes.add('OB277', place, says, 'It is left out.')
      state.comments.push(`TODO: --${name} of ${instruction.keyword} is left out.`)
    }
  }
  return { from, owner, chmod, exclude, parents, checksum, unpack, behind }
}

const isOn = ({ value }: Flag) => value === undefined || value.toLowerCase() === 'true' || value === '1'

/** As a `chmod` step takes it. */
function modeOf(mode: string, state: StageState): string {
  const clause = '[ugoa]*[-+=][rwxXst]*'
  checkHidden(mode, new RegExp(`^([0-7]{3,5}|${clause}(,${clause})*)$`), 'a mode', state)
  return mode
}

/** BuildKit takes the number of a user that stands alone for the group too, and a name for the user's own group. */
function ownerOf(owner: string, state: StageState): string {
  checkHidden(owner, /^[^:\s]+(:[^:\s]+)?$/, 'a user, perhaps with a group', state)
  return /^\d+$/.test(owner) ? `${owner}:${owner}` : owner
}
