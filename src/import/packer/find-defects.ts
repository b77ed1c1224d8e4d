import { basename } from 'node:path'
import { partsOf } from '../text.ts'
import { Reference } from '../value.ts'
import type { Action, ScriptLine } from './action.ts'
import type { Context } from './context.ts'
import { LINE_DEFECTS } from './line-defects.ts'

/** Images of which the packages are no longer served, or no longer mended. */
const ENDED =
  /^(docker\.io\/)?(library\/)?(debian:(wheezy|jessie|stretch|buster|7|8|9|10)\b|ubuntu:(12|14|16|18)\.|ubuntu:(precise|trusty|xenial|bionic)\b|centos(:|$))/

interface Lines {
  readonly lines: readonly ScriptLine[]
  readonly isBash: boolean
}

/** What scripts of a build do that was no good idea in the template already. */
export function findDefects(actions: readonly Action[], context: Context): void {
  const scripts = described(actions, context)
  for (const script of scripts) {
    noteLines(script, LINE_DEFECTS, context)
    noteLateShebang(script.lines, context)
  }
  const all = scripts.flatMap(({ lines }) => lines)
  noteSecretTexts(actions, context)
  noteCredentials(actions, context)
  noteStrangeArchives(all, context)
  noteUsers(all, context)
}

/** What scripts fetch that nobody checks, or that is another file from time to time. */
export function noteDownloads(actions: readonly Action[], context: Context): void {
  const defects = LINE_DEFECTS.filter(({ ofAddress }) => ofAddress)
  for (const script of described(actions, context)) noteLines(script, defects, context)
}

/** For people: with variables by their names. */
function described(actions: readonly Action[], { hidden }: Context): Lines[] {
  return actions.map(linesOf).map(({ lines, isBash }) => {
    return { isBash, lines: lines.map((line) => ({ ...line, text: hidden.describe(line.text) })) }
  })
}

/** Each once in a script, those of addresses for each of these. */
function noteLines({ lines, isBash }: Lines, defects: typeof LINE_DEFECTS, { notes }: Context): void {
  for (const { id, pattern, unless, bash = true, ofAddress = false, says, advice } of defects) {
    if (isBash && !bash) continue
    const all = lines.filter((one) => !/^\s*#(?!!)/.test(one.text) && pattern.test(one.text))
    const found = unless === undefined ? all : unchecked(all, lines, unless)
    for (const line of ofAddress ? found : found.slice(0, 1)) {
      notes.add(id, line.place, says(pattern.exec(line.text)!), advice)
    }
  }
}

/** Those of the lines whose file no check is for, and no check is for all: `sha256sum -c FILE`, `gpg --verify`. */
function unchecked(found: readonly ScriptLine[], lines: readonly ScriptLine[], check: RegExp): readonly ScriptLine[] {
  const checks = lines.filter(({ text }) => check.test(text)).map(({ text }) => text)
  const named = found.map(({ text }) => checks.filter((one) => fetchedNames(text).some((name) => hasWord(one, name))))
  const isForAll = checks.some((one) => !named.flat().includes(one))
  return isForAll ? [] : found.filter((_, index) => named[index]!.length === 0)
}

function hasWord(text: string, word: string): boolean {
  return text.split(/[\s"'`;&|<>()=*/]+/).includes(word)
}

/** What a download may be called: as its option says, or by its address. */
function fetchedNames(text: string): string[] {
  const named = [...text.matchAll(/(?:\s-\w*[oO]|--output|--output-document)[ =]?([^\s;&|]+)/g)].map(
    ([, file]) => file!,
  )
  const addressed = [...text.matchAll(/https?:\/\/[^\s'"|;&?#]+/g)].map(([url]) => url)
  return [...named, ...addressed].map((path) => basename(path))
}

/** Scripts work on a folder that is a volume: docker keeps no such change if the base has declared it. */
export function noteVolumes(volumes: readonly string[], actions: readonly Action[], { notes }: Context): void {
  for (const volume of volumes) {
    const line = actions.flatMap((action) => linesOf(action).lines).find(({ text }) => text.includes(volume))
    if (line === undefined) continue
    const says = `A script changes ${volume}, which is a volume: Packer's image has that only if the base did not declare it.`
    notes.add('OB134', line.place, says, 'Nothing: ocibake keeps what scripts do there.')
  }
}

/** A script whose text has the value of a secret variable in it. */
function noteSecretTexts(actions: readonly Action[], { notes, hidden, secrets }: Context): void {
  for (const line of actions.flatMap((action) => linesOf(action).lines)) {
    const parts = partsOf(hidden.show(line.text)).filter((part) => part instanceof Reference)
    const secret = parts.find(({ variable }) => secrets.has(variable))
    if (secret === undefined) continue
    const says = `The value of \`${secret.variable}\`, a secret, is in a script: here that is in the history of the image.`
    notes.add('OB195', line.place, says, 'Give it to the script by `secrets`, and let it read the variable.')
  }
}

const CREDENTIALS =
  /\/\.aws(\/|$)|\/\.ssh\/id_[^/]*$|\/\.(npmrc|netrc|pypirc|git-credentials)$|\/\.docker\/config\.json$/

function noteCredentials(actions: readonly Action[], { notes }: Context): void {
  for (const action of actions) {
    if (action.kind !== 'step' || !CREDENTIALS.test(action.target ?? '')) continue
    const says = 'Credentials are copied into the container, where every program can read them.'
    const advice = '`unpack` takes those of whoever builds; a script gets them by `secrets`.'
    notes.add('OB103', action.step.places[0]!, says, advice)
  }
}

/** An archive is removed that no other line names: the line was copied from elsewhere. */
function noteStrangeArchives(lines: readonly ScriptLine[], { notes }: Context): void {
  for (const { text, place } of lines) {
    const [, archive] = /\brm\s.*?([^\s/'"*]+\.(?:tar(?:\.\w+)?|tgz|txz|zip))(?=['"\s;&]|$)/.exec(text) ?? []
    if (archive === undefined || lines.filter((line) => line.text.includes(archive)).length > 1) continue
    notes.add(
      'OB112',
      place,
      `${archive} is removed, which nothing makes: the name is from elsewhere.`,
      'Name what is meant.',
    )
  }
}

/** The base is one that has come to its end. */
export function noteEndedBase(image: string, place: ScriptLine['place'], { notes }: Context): void {
  if (!ENDED.test(image)) return
  const advice = 'Take a newer one; `apt` finds packages of an old one in archives and snapshots alone.'
  notes.add(
    'OB131',
    place,
    `The base ${image} is at its end: nothing in it is mended, and its mirrors may be gone.`,
    advice,
  )
}

function linesOf(action: Action): Lines {
  if (action.kind === 'step') return { lines: action.script ?? [], isBash: /bash/.test(action.script?.[0]?.text ?? '') }
  const shell = action.options.shell
  const isBash =
    /bash/.test(Array.isArray(shell) ? String(shell[0]) : '') || /^#!.*bash/.test(action.lines[0]?.text ?? '')
  return { lines: action.lines, isBash }
}

/** Only the first line of a script chooses what reads it. */
function noteLateShebang(lines: readonly ScriptLine[], { notes }: Context): void {
  const late = lines.slice(1).find(({ text }) => text.startsWith('#!'))
  if (late === undefined) return
  const says = `\`${late.text.trim()}\` is not the first line: it is a comment, and /bin/sh reads the script.`
  notes.add('OB120', late.place, says, 'Write `inline_shebang`, or `shell` in the step.')
}

const USUAL_USERS = /^(root|daemon|bin|www-data|nobody|nogroup|mail|backup|staff|adm|users|\d+|)$/

/** Whoever owns files has to be in the base if no script adds them. */
function noteUsers(lines: readonly ScriptLine[], { notes }: Context): void {
  const text = lines.map((line) => line.text).join('\n')
  for (const line of lines) {
    const [, user = ''] = /\bchown\s+(?:-\S+\s+)*([A-Za-z_][\w-]*)/.exec(line.text) ?? []
    const adds = new RegExp(`\\b(useradd|adduser|groupadd|addgroup)\\b.*\\b${user}\\b`).test(text)
    if (USUAL_USERS.test(user) || adds) continue
    notes.add(
      'OB108',
      line.place,
      `The user '${user}' has to be in the base: no script adds it.`,
      'Use a number, or add it.',
    )
    return
  }
}
