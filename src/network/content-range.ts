/** Which bytes of a representation an answer holds. All are byte positions from 0, `last` included. */
export interface ContentRange {
  readonly first: number
  readonly last: number
  /** Bytes of the whole; undefined where the server does not know (`*`). */
  readonly total: number | undefined
}

const RANGE = /^bytes ([0-9]{1,15})-([0-9]{1,15})\/([0-9]{1,15}|\*)$/

/**
 * What a Content-Range header says (RFC 9110, section 14.4), or undefined for none, one of another unit, and one that
 * contradicts itself. All numbers are exact.
 */
export function readContentRange(header: string | null | undefined): ContentRange | undefined {
  const match = RANGE.exec(header?.trim() ?? '')
  if (match === null) return undefined
  const [first, last] = [Number(match[1]), Number(match[2])]
  const total = match[3] === '*' ? undefined : Number(match[3])
  return last < first || (total !== undefined && last >= total) ? undefined : { first, last, total }
}
