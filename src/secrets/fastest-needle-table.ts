import { nativeCode } from '../oci/native-code.ts'
import { MOST_NEEDLES, NativeNeedles } from './native-needles.ts'
import type { NeedleTable } from './needle-table.ts'
import { SkipTable } from './skip-table.ts'

/** Of needles as long as this, what JavaScript skips is worth more than looking at one place after another. */
const SKIPPED = 8

/** The fastest one there is here. @param needles of two bytes or more */
export function fastestNeedleTable(needles: readonly Uint8Array[]): NeedleTable {
  const code = nativeCode()
  if (code === undefined || needles.length > MOST_NEEDLES) return new SkipTable(needles)
  const isFaster = code.searchesQuickly || needles.some(({ byteLength }) => byteLength < SKIPPED)
  return isFaster ? new NativeNeedles(needles, code) : new SkipTable(needles)
}
