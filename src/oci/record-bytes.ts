import { type Digest, digestOf } from './digest.ts'

/** A record's file: a checksum of key and value, and the value as JSON. */
export function recordBytes(key: Digest, record: unknown): Buffer {
  const body = Buffer.from(JSON.stringify(record))
  return Buffer.concat([Buffer.from(`${checksum(key, body)}\n`), body])
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
