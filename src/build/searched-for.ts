import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto'
import type { SecretValue } from '../secrets/secret-values.ts'

const SALT = 16
const SIZE = 32
/** About 10 ms: it is all of them together that somebody would have to guess. */
const COST = { N: 4096, r: 8, p: 1 }

/**
 * By what it is known again that a search was for just these values, hex digits. The values cannot be told from it, but
 * for those that can be guessed.
 */
export async function markOf(values: readonly SecretValue[]): Promise<string> {
  if (values.length === 0) return ''
  const salt = randomBytes(SALT)
  return `${salt.toString('hex')}${(await hashOf(values, salt)).toString('hex')}`
}

/** Whether `mark` is that of these values, or there are none. */
export async function isMarkOf(mark: string | undefined, values: readonly SecretValue[]): Promise<boolean> {
  if (values.length === 0) return true
  const bytes = Buffer.from(mark ?? '', 'hex')
  if (bytes.byteLength !== SALT + SIZE) return false
  return timingSafeEqual(await hashOf(values, bytes.subarray(0, SALT)), bytes.subarray(SALT))
}

function hashOf(values: readonly SecretValue[], salt: Buffer): Promise<Buffer> {
  const text = JSON.stringify([...new Set(values.map(({ value }) => value))].sort())
  return new Promise((resolve, reject) => {
    scrypt(text, salt, SIZE, COST, (error, hash) => (error === null ? resolve(hash) : reject(error)))
  })
}
