import { createHash } from 'node:crypto'
import { crc32 } from 'node:zlib'
import type { HeadObjectCommandOutput } from '@aws-sdk/client-s3'
import { OcibakeError } from '../errors.ts'
import { giveBack } from '../oci/single-use.ts'
import { CRC32C, CRC64NVME, ReflectedCrc } from './reflected-crc.ts'

/** What S3 keeps of an object's bytes since they were uploaded. */
export interface ObjectChecksum {
  readonly algorithm: Algorithm
  /** Base64, as S3 writes it. */
  readonly value: string
}

type Algorithm = 'SHA256' | 'SHA1' | 'CRC32' | 'CRC64NVME' | 'CRC32C'

interface Sum {
  update(bytes: Uint8Array): unknown
  digest(): Buffer
}

/** What tells most comes first, and what Node has before what is written in JavaScript. */
const SUMS: Readonly<Record<Algorithm, () => Sum>> = {
  SHA256: () => createHash('sha256'),
  SHA1: () => createHash('sha1'),
  CRC32: () => new Crc32(),
  CRC64NVME: () => new ReflectedCrc(CRC64NVME),
  CRC32C: () => new ReflectedCrc(CRC32C),
}
const ALGORITHMS = Object.keys(SUMS) as Algorithm[]

/**
 * The checksum over all of an object's bytes, of those that S3 says. undefined when there is none, or one of the checksums
 * of its parts (composite, `…-3`): nobody is told how long those were.
 */
export function objectChecksum(head: HeadObjectCommandOutput): ObjectChecksum | undefined {
  if (head.ChecksumType === 'COMPOSITE') return undefined
  for (const algorithm of ALGORITHMS) {
    const value = head[`Checksum${algorithm}`]
    if (value !== undefined && !value.includes('-')) return { algorithm, value }
  }
  return undefined
}

/**
 * Reads an object's `size` bytes, of `bytes` that may go on. @throws CHECKSUM_MISMATCH; what `bytes` throws
 * @param what names it in the error
 */
export async function checkObject(
  { algorithm, value }: ObjectChecksum,
  bytes: AsyncIterable<Uint8Array>,
  size: number,
  what: string,
): Promise<void> {
  const sum = SUMS[algorithm]()
  let left = size
  if (left > 0) {
    for await (const chunk of bytes) {
      sum.update(chunk)
      left -= chunk.byteLength
      giveBack(chunk)
      if (left <= 0) break
    }
  }
  const got = sum.digest().toString('base64')
  if (got === value) return
  throw new OcibakeError(
    'CHECKSUM_MISMATCH',
    `${what} (${size} bytes) has the ${algorithm} ${got}; S3 has kept ${value}.`,
    {
      hint: 'Run the same command again. If it stays like this, the object is damaged: upload it anew.',
    },
  )
}

class Crc32 implements Sum {
  #value = 0

  update(bytes: Uint8Array): void {
    this.#value = crc32(bytes, this.#value)
  }

  digest(): Buffer {
    const bytes = Buffer.alloc(4)
    bytes.writeUInt32BE(this.#value)
    return bytes
  }
}
