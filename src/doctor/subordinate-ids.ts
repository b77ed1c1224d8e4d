import { readFile } from 'node:fs/promises'
import { userInfo } from 'node:os'
import { findProgram } from '../provision/find-program.ts'
import type { Examined } from './finding.ts'

/** What this user has to be several users in a namespace of his own, as mmdebstrap wants it. */
export interface SubordinateIds {
  /** Where the program is that gives them, if anywhere. */
  readonly newuidmap: string | undefined
  /** `first+count`. */
  readonly uids: string | undefined
  readonly gids: string | undefined
  /** Nothing of it lacks. */
  readonly isWhole: boolean
}

/** The ids of subuid(5) and subgid(5) for this user, and newuidmap(1). */
export async function subordinateIds(env: Examined['env']): Promise<SubordinateIds> {
  const newuidmap = await findProgram('newuidmap', env)
  const [uids, gids] = [await rangeOf('/etc/subuid'), await rangeOf('/etc/subgid')]
  return { newuidmap, uids, gids, isWhole: newuidmap !== undefined && uids !== undefined && gids !== undefined }
}

/** subuid(5): `name or number:first:count`. */
async function rangeOf(file: string): Promise<string | undefined> {
  const names = [String(process.getuid?.() ?? -1), nameOfUser()]
  const text = await readFile(file, 'utf8').catch(() => '')
  const line = text.split('\n').find((one) => names.includes(one.split(':')[0]!))
  const [, first, count] = line?.split(':') ?? []
  return count === undefined ? undefined : `${first}+${count}`
}

/** Undefined for a number without an account, as containers have them. */
function nameOfUser(): string | undefined {
  try {
    return userInfo().username
  } catch {
    return undefined
  }
}
