import { OcibakeError } from '../errors.ts'
import type { SourceText } from './source-text.ts'
import type { Value } from './value.ts'

/** What a file of variables in JSON holds. @throws TEMPLATE_INVALID when it is no object */
export function jsonObject({ file, text }: SourceText): { readonly [name: string]: Value } {
  const invalid = (observed: string) =>
    new OcibakeError('TEMPLATE_INVALID', `${file} ${observed}`, { hint: 'Write {"NAME": "VALUE", …}.' })
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    throw invalid(`is no JSON: ${cause instanceof Error ? cause.message.replace(/[^\x20-\x7e]/g, ' ') : ''}`)
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw invalid('holds no object.')
  return value as { readonly [name: string]: Value }
}
