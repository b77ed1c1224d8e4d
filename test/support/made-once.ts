import { existsSync } from 'node:fs'
import { mkdir, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { inject } from 'vitest'
import { systemCode } from '../../src/errors.ts'

/**
 * A folder that the first test file of a run that asks for it has made, and that all share: to be read only.
 * @param make fills the folder that it is given, which is renamed afterwards
 */
export async function madeOnce(name: string, make: (folder: string) => Promise<void>): Promise<string> {
  const done = join(inject('sharedFolder'), name)
  const failed = `${done}.failed`
  if (!(await isFirst(`${done}.claimed`))) {
    while (!existsSync(done)) {
      if (existsSync(failed)) throw new Error(`${name} could not be made; another test file says why.`)
      await sleep(250)
    }
    return done
  }
  try {
    const making = `${done}.making`
    await mkdir(making, { mode: 0o700 })
    await make(making)
    await rename(making, done)
    return done
  } catch (error) {
    await writeFile(failed, '')
    throw error
  }
}

async function isFirst(claim: string): Promise<boolean> {
  try {
    await mkdir(claim)
    return true
  } catch (error) {
    if (systemCode(error) === 'EEXIST') return false
    throw error
  }
}
