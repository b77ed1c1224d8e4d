import { posix } from 'node:path'
import type { Destination } from './copy-job.ts'
import type { OtherImage, StageState } from './stage-state.ts'

const PROGRAMS = /^(usr\/(local\/)?|opt\/[^/]+\/|go\/)?s?bin$/
const FOLDERS =
  /^(\.?venv|build|dist|public|out|html|site|www|static|node_modules|lib|bin|target|\.next|assets|wheels|share|site-packages|output|standalone|vendor|etc)$/

/** What COPY --from takes is a file rather than a folder, as far as names and the other stage's scripts say. */
export function looksLikeFile(path: string, to: Destination, { stage }: OtherImage, state: StageState): boolean {
  const name = posix.basename(path)
  const own = (stage?.instructions ?? []).filter(({ keyword }) => keyword === 'RUN')
  const isMade = own.some(({ rest }) => outputOf(rest).some((made) => posix.basename(made) === name))
  if (isMade) return true
  if (FOLDERS.test(name)) return false
  if (/\.[A-Za-z][A-Za-z0-9]{0,7}$/.test(name)) return true
  if (
    PROGRAMS.test(posix.dirname(path)) ||
    PROGRAMS.test(to.path.slice(1)) ||
    PROGRAMS.test(posix.dirname(to.path).slice(1))
  ) {
    return true
  }
  const isStarted = state.stage.instructions.some(
    ({ keyword, rest }) =>
      /^(CMD|ENTRYPOINT)$/.test(keyword) &&
      !to.isFolder &&
      new RegExp(`["\\s]${escaped(to.path)}["\\s]`).test(` ${rest} `),
  )
  return isStarted
}

/** What `-o FILE` says, and what a redirection writes. */
function outputOf(script: string): string[] {
  return [...script.matchAll(/(?:\s-o[ =]?|>\s*)([^\s;&|]+)/g)].map(([, file]) => file!)
}

const escaped = (text: string) => text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')
