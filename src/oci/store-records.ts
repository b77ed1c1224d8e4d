import { readFile, rm, utimes } from 'node:fs/promises'
import { join } from 'node:path'
import { type Digest, hexOf } from './digest.ts'
import { recordBytes, recordIn } from './record-bytes.ts'
import type { StoreSession } from './store-session.ts'
import { TempFile } from './temp-file.ts'

/** Small JSON values by key, a file each. A record that is damaged is no record: it is removed when it is met. */
export class StoreRecords {
  readonly #folder: string
  readonly #session: StoreSession

  constructor(folder: string, session: StoreSession) {
    this.#folder = folder
    this.#session = session
  }

  /** The value as it was set, or undefined. */
  async get(key: Digest): Promise<unknown> {
    const path = this.#path(key)
    const bytes = await readFile(path).catch(() => undefined)
    if (bytes === undefined) return undefined
    const record = recordIn(bytes, key)
    if (record === undefined) {
      await rm(path, { force: true })
      return undefined
    }
    const now = new Date()
    await utimes(path, now, now).catch(() => {})
    return record
  }

  /** Atomic; the last one wins. @param record a JSON value @throws DISK_FULL */
  async set(key: Digest, record: unknown): Promise<void> {
    const file = await TempFile.create(this.#session.newPath('record'))
    try {
      await file.write(recordBytes(key, record))
      await file.commit(this.#path(key))
    } finally {
      await file.discard()
    }
  }

  async remove(key: Digest): Promise<void> {
    await rm(this.#path(key), { force: true })
  }

  #path(key: Digest): string {
    return join(this.#folder, hexOf(key))
  }
}
