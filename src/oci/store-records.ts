import { readFile, rm, utimes } from 'node:fs/promises'
import { join } from 'node:path'
import { type Digest, digestOf, hexOf } from './digest.ts'
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
    if (!isRecord(bytes, key)) {
      await rm(path, { force: true })
      return undefined
    }
    const now = new Date()
    await utimes(path, now, now).catch(() => {})
    return JSON.parse(recordBody(bytes).toString('utf8'))
  }

  /** Atomic; the last one wins. @param record a JSON value @throws DISK_FULL */
  async set(key: Digest, record: unknown): Promise<void> {
    const body = Buffer.from(JSON.stringify(record))
    const file = await TempFile.create(this.#session.newPath('record'))
    try {
      await file.write(Buffer.concat([Buffer.from(`${checksum(key, body)}\n`), body]))
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

/** The value that is in the bytes of a record; undefined when they are not what was written under this key. */
export function recordIn(bytes: Buffer, key: Digest): unknown {
  return isRecord(bytes, key) ? JSON.parse(recordBody(bytes).toString('utf8')) : undefined
}

/** Whether the bytes are what was written under this key. */
export function isRecord(bytes: Buffer, key: Digest): boolean {
  return bytes.toString('latin1', 0, bytes.indexOf(0x0a)) === checksum(key, recordBody(bytes))
}

function recordBody(bytes: Buffer): Buffer {
  return bytes.subarray(bytes.indexOf(0x0a) + 1)
}

function checksum(key: Digest, body: Buffer): Digest {
  return digestOf(Buffer.concat([Buffer.from(key), body]))
}
