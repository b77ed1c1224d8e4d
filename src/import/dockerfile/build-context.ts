import { readFileSync } from 'node:fs'
import { join, posix, relative } from 'node:path'
import { isFile, statOf } from '../stat-of.ts'
import { IgnoreRules } from './ignore-rules.ts'
import { matchingPaths } from './matching-paths.ts'

/** The folder whose files COPY and ADD take, and what of it `.dockerignore` leaves out. */
export class BuildContext {
  /** Absolute. */
  readonly folder: string
  readonly rules: IgnoreRules
  /** As a user would name it; undefined: there is none. */
  readonly ignoreFile: string | undefined
  readonly #specFolder: string
  /** Files of ours in the context: specs, and what they build. */
  readonly own: readonly string[]

  constructor(folder: string, dockerfile: string, specFolder: string, own: readonly string[]) {
    this.folder = folder
    this.#specFolder = specFolder
    const file = [`${dockerfile}.dockerignore`, join(folder, '.dockerignore')].find(isFile)
    this.ignoreFile = file === undefined ? undefined : posix.basename(file)
    this.rules = new IgnoreRules(file === undefined ? '' : readFileSync(file, 'utf8'))
    const way = relative(folder, specFolder)
    this.own = way.startsWith('..') ? [] : own.map((path) => posix.join(way, path))
  }

  /** What is at a path of the context; '' is the context itself. */
  kindOf(path: string): 'file' | 'folder' | undefined {
    const found = statOf(this.onDisk(path))
    return found === undefined ? undefined : found.isDirectory() ? 'folder' : 'file'
  }

  onDisk(path: string): string {
    return join(this.folder, path)
  }

  /** The paths that a pattern with wildcards means now, sorted. */
  matches(pattern: string): string[] {
    return matchingPaths(this.folder, pattern).filter((path) => !this.rules.ignores(path))
  }

  /** For a spec: relative to its folder, a folder with a slash at its end. */
  forSpec(path: string, kind: 'file' | 'folder'): string {
    const way = relative(this.#specFolder, this.folder)
    const whole = posix.join(way, path).replace(/\/$/, '')
    return kind === 'file' ? whole : whole === '' || whole === '.' ? './' : `${whole}/`
  }
}
