import { OcibakeError } from '../errors.ts'

const POWERS = ['', 'k', 'm', 'g', 't']

/**
 * Bytes of a size as people write it, in powers of 1000: `500MB`, `1.5 GB`.
 * @param what says where it was written, in the error @throws USAGE
 */
export function byteSize(text: string, what: string): number {
  const match = /^(\d+(?:\.\d+)?)\s*([kmgt]?)b?$/i.exec(text)
  if (match === null) {
    throw new OcibakeError('USAGE', `${what}: '${text}' is no size.`, { hint: 'Write a size such as 500MB or 20GB.' })
  }
  return Number(match[1]) * 1000 ** POWERS.indexOf(match[2]!.toLowerCase())
}
