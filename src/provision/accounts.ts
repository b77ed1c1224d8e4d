import { OcibakeError } from '../errors.ts'
import { display, fromText } from '../oci/name.ts'
import type { Tree } from '../oci/node.ts'
import { readSmallFile } from './image-file.ts'

const ID_MAX = 2 ** 32 - 2

/** What a script runs as. */
export interface Account {
  readonly uid: number
  readonly gid: number
  /** Supplementary groups: what /etc/group says, none if a group was named. */
  readonly groups: readonly number[]
  /** Absolute path; '/' for a number that /etc/passwd does not know. */
  readonly home: string
}

/** Owners as chown takes them: what is absent stays as it is. */
export interface Owner {
  readonly uid?: number
  readonly gid?: number
}

interface PasswdEntry {
  readonly name: string
  readonly uid: number
  readonly gid: number
  readonly home: string
}

interface GroupEntry {
  readonly name: string
  readonly gid: number
  readonly members: readonly string[]
}

/**
 * `user` or `user:group`, names or numbers, by the image's own /etc/passwd and /etc/group (never the host's), as
 * Docker reads `USER`: a number needs no entry, and without one its group is 0.
 * @throws ACCOUNT_UNKNOWN for a name that is not there; PATH_INVALID for files above 1 MiB
 */
export async function lookUpUser(tree: Tree, text: string): Promise<Account> {
  const [user = '', group] = halves(text)
  const id = parseId(user)
  const entries = await readPasswd(tree)
  const entry = entries.find((one) => one.name === fromText(user)) ?? entries.find((one) => one.uid === id)
  const uid = entry?.uid ?? id
  if (uid === undefined) throw unknown('user', user, '/etc/passwd', entries)
  const home = entry?.home.startsWith('/') ? entry.home : uid === 0 ? '/root' : '/'
  const all = await readGroups(tree)
  if (group !== undefined) return { uid, gid: findGroup(all, group), groups: [], home }
  return { uid, gid: entry?.gid ?? 0, groups: entry === undefined ? [] : groupsOf(all, entry.name), home }
}

/**
 * `user`, `user:group` or `:group`, as chown(1) reads it: without a group the group stays.
 * @throws ACCOUNT_UNKNOWN; PATH_INVALID for files above 1 MiB
 */
export async function lookUpOwner(tree: Tree, text: string): Promise<Owner> {
  const [user = '', group] = halves(text)
  const uid = user === '' ? {} : { uid: (await lookUpUser(tree, user)).uid }
  return group === undefined ? uid : { ...uid, gid: findGroup(await readGroups(tree), group) }
}

function findGroup(entries: readonly GroupEntry[], text: string): number {
  const gid = entries.find(({ name }) => name === fromText(text))?.gid ?? parseId(text)
  if (gid === undefined) throw unknown('group', text, '/etc/group', entries)
  return gid
}

/** Ascending, so that two files that say the same in another order give the same. */
function groupsOf(entries: readonly GroupEntry[], user: string): number[] {
  const found = entries.filter(({ members }) => members.includes(user))
  return [...new Set(found.map(({ gid }) => gid))].sort((a, b) => a - b)
}

function halves(text: string): string[] {
  const colon = text.indexOf(':')
  return colon < 0 ? [text] : [text.slice(0, colon), text.slice(colon + 1)]
}

function parseId(text: string): number | undefined {
  return /^[0-9]{1,10}$/.test(text) && Number(text) <= ID_MAX ? Number(text) : undefined
}

async function readPasswd(tree: Tree): Promise<PasswdEntry[]> {
  return (await records(tree, 'etc/passwd')).flatMap(([name, , uidText = '', gidText = '', , home = '']) => {
    const uid = parseId(uidText)
    const gid = parseId(gidText)
    return name && uid !== undefined && gid !== undefined ? [{ name, uid, gid, home }] : []
  })
}

async function readGroups(tree: Tree): Promise<GroupEntry[]> {
  return (await records(tree, 'etc/group')).flatMap(([name, , gidText = '', members = '']) => {
    const gid = parseId(gidText)
    return name && gid !== undefined ? [{ name, gid, members: members.split(',') }] : []
  })
}

/** passwd(5), group(5): what is no record is passed over, as libc does. */
async function records(tree: Tree, path: string): Promise<string[][]> {
  const text = (await readSmallFile(tree, path))?.toString('latin1') ?? ''
  return text.split('\n').map((line) => line.split(':'))
}

function unknown(what: string, name: string, file: string, entries: readonly { name: string }[]): OcibakeError {
  const known = entries.slice(0, 8).map((entry) => display(entry.name))
  const list = known.length === 0 ? 'it is missing or empty' : `it has ${known.join(', ')}`
  const more = entries.length > known.length ? ` and ${entries.length - known.length} more` : ''
  return new OcibakeError(
    'ACCOUNT_UNKNOWN',
    `There is no ${what} '${display(fromText(name))}' in the image's ${file}; ${list}${more}.`,
    {
      hint: 'Create it in an earlier step (useradd, groupadd), or write its number.',
    },
  )
}
