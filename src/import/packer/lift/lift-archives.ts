import type { DraftFields } from '../../draft.ts'
import type { Notes } from '../notes.ts'
import { canSplit } from './can-split.ts'
import { type FetchCommand, readFetch } from './fetch-command.ts'
import type { Item } from './item.ts'
import { absolutePath } from './items-of-script.ts'
import { isWithin, mentions, removedBy, withoutOperands } from './paths.ts'
import { readTar, type TarCommand } from './tar-command.ts'

const UNVERIFIED = ['Nobody checks this download. Write its `sha256` instead of `unverified`.']

/** Downloads of an archive that is extracted, and removed, become `unpack` steps: those from `s3:` or from `https:`. */
export function liftArchives(items: readonly Item[], scheme: 's3:' | 'https:', notes: Notes): void {
  const isWanted = (fetch: FetchCommand | undefined) => fetch?.source.startsWith(scheme) === true
  for (const item of items) {
    if (item.outcome !== 'kept' || item.globs) continue
    if (item.pipe !== undefined && isWanted(readFetch(item.pipe[0], item.cwd))) liftPipe(items, item, notes)
    const fetch = item.words === undefined ? undefined : readFetch(item.words, item.cwd)
    if (isWanted(fetch) && fetch?.file !== undefined) liftFetch(items, item, { ...fetch, file: fetch.file }, notes)
  }
}

function liftPipe(items: readonly Item[], item: Item, notes: Notes): void {
  const [one, two] = item.pipe!
  const fetch = readFetch(one, item.cwd)
  const tar = readTar(two, item.cwd)
  if (fetch === undefined || fetch.file !== undefined || tar === undefined || tar.archive !== undefined) return
  if (!canSplit(items, item)) return
  item.outcome = unpackStep(fetch, tar, undefined, item)
  noteLift(notes, item, fetch, 'A download into `tar`')
}

function liftFetch(items: readonly Item[], item: Item, fetch: FetchCommand & { file: string }, notes: Notes): void {
  const later = items.slice(items.indexOf(item) + 1).filter((one) => one.outcome === 'kept')
  const removes = (one: Item) => removedBy(one)?.some((path) => isWithin(fetch.file, path)) === true
  const removal = later.find(removes)
  // What is named like it behind its removal is something else.
  const until = removal === undefined ? undefined : later.indexOf(removal) + 1
  const users = later.slice(0, until).filter((one) => mentions(one, fetch.file))
  const extracts = users.filter(
    (one) => one.action === item.action && !one.globs && readTarOf(one, fetch.file) !== undefined,
  )
  const checks = users.map((one) => checksumIn(one, fetch.file))
  const others = users.filter(
    (one, index) => !extracts.includes(one) && checks[index] === undefined && !isHarmless(one, fetch.file),
  )
  if (extracts.length === 0 || others.length > 0 || !extracts.every((one) => canSplit(items, one))) return
  const sha256 = checks.find((check) => check !== undefined)
  for (const one of extracts) one.outcome = unpackStep(fetch, readTarOf(one, fetch.file)!, sha256, one)
  item.outcome = 'dropped'
  for (const [index, one] of users.entries()) {
    if (checks[index] !== undefined) one.outcome = 'dropped'
    if (removedBy(one) !== undefined) withoutOperands(one, (path) => path === fetch.file)
  }
  noteLift(notes, item, fetch, 'A download, and the `tar` that extracts it')
  if (removal !== undefined) return
  notes.add(
    'OB102',
    item.place,
    `The archive ${fetch.file} stays in Packer's image: nothing removes it.`,
    'The `unpack` step never puts it there.',
  )
}

function readTarOf(item: Item, file: string): TarCommand | undefined {
  const tar = item.words === undefined ? undefined : readTar(item.words, item.cwd)
  return tar?.archive === file ? tar : undefined
}

/** It removes the archive, or a folder with it, or looks at it. */
function isHarmless(item: Item, file: string): boolean {
  if (item.words?.[0] === 'ls') return true
  return removedBy(item)?.some((path) => isWithin(file, path) || !isWithin(path, file)) === true || isAbove(item, file)
}

/** A folder above it is entered, made, or changed in ways that do not matter to an archive. */
function isAbove(item: Item, file: string): boolean {
  const program = item.words?.[0] ?? ''
  if (!['cd', 'mkdir', 'chown', 'chmod'].includes(program)) return false
  return item.words!.every((word) => absolutePath(word, item.cwd) !== file)
}

/** `echo "HEX  FILE" | sha256sum -c`. */
function checksumIn({ pipe, cwd }: Item, file: string): string | undefined {
  const [echo, check] = pipe ?? []
  if (echo?.[0] !== 'echo' || echo.length !== 2 || check?.[0] !== 'sha256sum') return undefined
  if (check.slice(1).some((word) => !['-c', '--check', '-', '--status', '--quiet', '--strict'].includes(word)))
    return undefined
  const [, hex, name = ''] = /^([0-9a-f]{64}) [ *]?(\S+)$/.exec(echo[1]!) ?? []
  return absolutePath(name, cwd) === file ? hex : undefined
}

function unpackStep(fetch: FetchCommand, tar: TarCommand, sha256: string | undefined, item: Item) {
  const isWeb = fetch.source.startsWith('https:')
  const checked: DraftFields = sha256 !== undefined ? { sha256 } : isWeb ? { unverified: true } : {}
  const step: DraftFields = { unpack: fetch.source, to: tar.to, ...tar.fields, ...checked }
  return { step, comment: isWeb && sha256 === undefined ? UNVERIFIED : [], places: [item.place] }
}

function noteLift(notes: Notes, item: Item, { source }: FetchCommand, what: string): void {
  const how = source.startsWith('s3:') ? 'with the S3 credentials of whoever builds' : 'by whoever builds'
  notes.add('OB160', item.place, what, `An \`unpack\` step: it is fetched ${how}.`)
}
