import { spawnSync } from 'node:child_process'
import { buffer } from 'node:stream/consumers'
import { Parser, type ReadEntry } from 'tar'
import { extract } from 'tar-stream'
import type { EntryType, TarEntry } from '../../src/oci/tar-entry.ts'
import { contentOf, scan } from './raw-tar.ts'

/** What every reader can tell of a member. Names and targets are text. */
export interface ReadMember {
  readonly path: string
  readonly type: EntryType
  readonly mode: number
  readonly uid: number
  readonly gid: number
  readonly mtime: number
  readonly size: number
  readonly target: string
  /** Bytes as latin1; undefined for a reader that lists only. */
  readonly content?: string
}

const text = (name: string) => Buffer.from(name, 'latin1').toString('utf8')

export function readByUs(bytes: Buffer): ReadMember[] {
  return scan(bytes).map((entry: TarEntry) => {
    const { path, type, mode, uid, gid, mtime, size, target } = entry
    const content = contentOf(bytes, entry).toString('latin1')
    return { path: text(path), type, mode, uid, gid, mtime, size, target: text(target), content }
  })
}

const NODE_TAR: Readonly<Record<string, EntryType>> = {
  File: 'file',
  OldFile: 'file',
  ContiguousFile: 'file',
  Link: 'link',
  SymbolicLink: 'symlink',
  CharacterDevice: 'character',
  BlockDevice: 'block',
  Directory: 'directory',
  FIFO: 'fifo',
}

export async function readByNodeTar(bytes: Buffer): Promise<ReadMember[]> {
  const members: Promise<ReadMember>[] = []
  const parser = new Parser({
    strict: true,
    onReadEntry: (entry: ReadEntry) => {
      members.push(
        entry.concat().then((content) => ({
          path: entry.path,
          type: NODE_TAR[entry.type]!,
          mode: entry.mode ?? 0,
          uid: entry.uid ?? 0,
          gid: entry.gid ?? 0,
          mtime: Math.floor((entry.mtime?.getTime() ?? 0) / 1000),
          size: entry.size,
          target: entry.linkpath ?? '',
          content: content.toString('latin1'),
        })),
      )
    },
  })
  const ended = new Promise((resolve, reject) => parser.on('end', resolve).on('error', reject))
  parser.end(bytes)
  await ended
  return Promise.all(members)
}

const TAR_STREAM: Readonly<Record<string, EntryType>> = {
  file: 'file',
  'contiguous-file': 'file',
  link: 'link',
  symlink: 'symlink',
  'character-device': 'character',
  'block-device': 'block',
  directory: 'directory',
  fifo: 'fifo',
}

export async function readByTarStream(bytes: Buffer): Promise<ReadMember[]> {
  const members: ReadMember[] = []
  const extracted = extract()
  extracted.end(bytes)
  for await (const entry of extracted) {
    const { name, type, mode, uid, gid, mtime, size, linkname } = entry.header
    members.push({
      path: name,
      type: TAR_STREAM[type ?? '']!,
      mode: mode ?? 0,
      uid: uid ?? 0,
      gid: gid ?? 0,
      mtime: Math.floor((mtime?.getTime() ?? 0) / 1000),
      size: size ?? 0,
      target: linkname ?? '',
      content: (await buffer(entry)).toString('latin1'),
    })
  }
  return members
}

const LETTERS: Readonly<Record<string, EntryType>> = {
  '-': 'file',
  h: 'link',
  l: 'symlink',
  c: 'character',
  b: 'block',
  d: 'directory',
  p: 'fifo',
}
const LINE = /^(.)(\S{9})\S* ([0-9]+)\/([0-9]+) +([0-9,]+) (\S+ \S+) (.*)$/s

/** GNU tar's listing. Names and targets must have no arrow in them. */
export function readByGnuTar(bytes: Buffer): ReadMember[] {
  const args = [
    '-tvf',
    '-',
    '--numeric-owner',
    '--full-time',
    '--quoting-style=literal',
    '--null',
    '--show-transformed',
  ]
  const env = { PATH: process.env.PATH, TZ: 'UTC', LC_ALL: 'C.UTF-8' }
  const { status, stdout, stderr } = spawnSync('tar', args, { input: bytes, env, encoding: 'utf8' })
  if (status !== 0 || stderr !== '') throw new Error(`tar ended with ${status}: ${stderr}`)
  return stdout.split('\n').slice(0, -1).map(listed)
}

function listed(line: string): ReadMember {
  const [, letter, mode, uid, gid, size, time, rest] = LINE.exec(line) ?? []
  if (rest === undefined) throw new Error(`tar lists ${line}`)
  const type = LETTERS[letter!]!
  const arrow = type === 'symlink' ? ' -> ' : type === 'link' ? ' link to ' : '\0'
  const [path = '', target = ''] = rest.split(arrow)
  return {
    path,
    type,
    mode: modeOf(mode!),
    uid: Number(uid),
    gid: Number(gid),
    mtime: Math.floor(Date.parse(`${time!.replace(' ', 'T')}Z`) / 1000),
    size: type === 'file' ? Number(size) : 0,
    target,
  }
}

/** `rwsr-x--T` as a number. */
function modeOf(letters: string): number {
  let mode = 0
  for (const [i, letter] of [...letters].entries()) {
    const special = 0o4000 >> Math.floor(i / 3)
    if (/[rwxst]/.test(letter)) mode |= 0o400 >> i
    if (/[st]/i.test(letter)) mode |= special
  }
  return mode
}
