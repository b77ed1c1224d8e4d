import { type Stats, statSync } from 'node:fs'

/** What is at a path, links followed; undefined for whatever cannot be there: too long a name, a link to itself, a zero byte. */
export function statOf(path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false })
  } catch {
    return undefined
  }
}

/** It is a file that can be read to its end: no folder, pipe or device. */
export function isFile(path: string): boolean {
  return statOf(path)?.isFile() === true
}

/** It is a folder. */
export function isFolder(path: string): boolean {
  return statOf(path)?.isDirectory() === true
}
