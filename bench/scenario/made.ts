import { existsSync } from 'node:fs'
import { mkdir, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'

/**
 * Makes a file or a folder unless it is there from an earlier run. `make` gets another name beside it, which is renamed
 * when it is done: what an interrupted run left is made anew.
 */
export async function made(path: string, what: string, make: (part: string) => Promise<unknown>): Promise<string> {
  if (existsSync(path)) return path
  console.error(`bench: making ${what}`)
  const part = `${path}.part`
  await rm(part, { recursive: true, force: true })
  await mkdir(dirname(path), { recursive: true })
  await make(part)
  await rename(part, path)
  return path
}
