import { isAbsolute, join, relative, resolve } from 'node:path'
import type { Placeholders } from '../placeholders.ts'
import { isFile, isFolder } from '../stat-of.ts'
import { joinTexts, knownText } from '../text.ts'
import type { Text } from '../value.ts'
import type { Notes } from './notes.ts'

export interface ImportFolders {
  /** Absolute: where relative paths of a template start, as Packer has it. */
  readonly current: string
  /** Absolute, of the template: where they are looked for if they are not there. */
  readonly template: string
  /** Absolute: where those of the spec start. */
  readonly spec: string
}

/** What every part of a translation shares. */
export interface Context {
  readonly format: 'hcl' | 'json'
  readonly folders: ImportFolders
  readonly lift: boolean
  /** As playbooks know the build. */
  readonly builder: { readonly name: string; readonly type: string }
  /** The template makes a machine, not a container. */
  readonly isMachine: boolean
  /** Variables whose values are secret, and the variable of the environment that a spec takes each from. */
  readonly secrets: ReadonlyMap<string, string>
  readonly notes: Notes
  readonly hidden: Placeholders
}

/** A local path of a template. */
export interface LocalPath {
  /** For the spec. */
  readonly path: Text
  /** As the template has it. */
  readonly written: string
  /** Where it is now, a file or a folder; undefined: nowhere. */
  readonly onDisk: string | undefined
  readonly isFolder: boolean
}

/** Where a local path of a template leads, and what the spec has to say for it. */
export function localPath(path: Text, { folders }: Context): LocalPath {
  const known = knownText(path)
  const written = known ?? 'a path that is not known'
  const inCurrent = known === undefined ? undefined : resolve(folders.current, known)
  const inTemplate = known === undefined ? undefined : resolve(folders.template, known)
  const onDisk = [inCurrent, inTemplate].find((one) => one !== undefined && (isFile(one) || isFolder(one)))
  const folder = onDisk !== undefined && onDisk !== inCurrent ? folders.template : folders.current
  return {
    ...{ path: rebased(path, known ?? '', folder, folders.spec), written, onDisk },
    isFolder: onDisk === undefined ? written.endsWith('/') : isFolder(onDisk),
  }
}

/** Relative to the spec's folder what is relative to another. */
function rebased(path: Text, known: string, from: string, to: string): Text {
  if (isAbsolute(known))
    return typeof path === 'string' && isBelow(from, known) ? kept(path, relative(to, known)) : path
  const way = relative(to, from)
  if (typeof path !== 'string') return way === '' ? path : joinTexts(`${way}/`, path)
  return kept(path, join(way, path))
}

const isBelow = (folder: string, path: string) => path === folder || path.startsWith(`${folder}/`)

/** With a slash at its end if the path had one. */
const kept = (before: string, path: string) => path.replace(/\/$/, '') + (before.endsWith('/') ? '/' : '')
