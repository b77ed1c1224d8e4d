import { EXCEPTION_IDS, LICENSE_IDS } from './license-ids.ts'

const LONGEST = 2000

/**
 * The text as an SPDX license expression, ids as the list spells them; undefined for what is none, and for one that names a
 * license outside the list, whose text a document would have to have. (SPDX 2.3, annex D)
 */
export function licenseExpression(text: string): string | undefined {
  if (text.length > LONGEST) return undefined
  const read: string[] = []
  let depth = 0
  let wanted: 'license' | 'exception' | 'operator' = 'license'
  /** Only a license, and no group of them, can have an exception. */
  let mayHaveException = false
  for (const token of text.match(/[()]|[^\s()]+/g) ?? []) {
    if (wanted === 'operator') {
      const isException = token === 'WITH' && mayHaveException
      if (token === ')') depth--
      else if (token === 'AND' || token === 'OR') wanted = 'license'
      else if (isException) wanted = 'exception'
      else return undefined
      if (depth < 0) return undefined
      mayHaveException = false
      read.push(token)
    } else if (wanted === 'license' && token === '(') {
      depth++
      read.push(token)
    } else {
      const id = wanted === 'license' ? licenseId(token) : EXCEPTION_IDS.get(token.toLowerCase())
      if (id === undefined) return undefined
      mayHaveException = wanted === 'license'
      wanted = 'operator'
      read.push(id)
    }
  }
  return wanted === 'operator' && depth === 0 ? read.join(' ').replace(/\( /g, '(').replace(/ \)/g, ')') : undefined
}

/** With `+`, which means "or any later version", where the list has no id of its own for that. */
function licenseId(token: string): string | undefined {
  const lower = token.toLowerCase()
  const later = lower.endsWith('+') ? LICENSE_IDS.get(lower.slice(0, -1)) : undefined
  return LICENSE_IDS.get(lower) ?? (later && `${later}+`)
}
