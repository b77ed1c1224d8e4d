import { OcibakeError } from '../errors.ts'
import type { Digest } from './digest.ts'
import type { Descriptor } from './source.ts'

/** What is to be taken in, and what it must be. */
export interface WantedLayer {
  readonly descriptor: Descriptor
  readonly diffId: Digest | undefined
  readonly blocks: boolean
  readonly signal: AbortSignal | undefined
}

/** @throws DIFF_ID_MISMATCH */
export function checkDiffId({ descriptor, diffId }: WantedLayer, got: Digest): void {
  if (diffId === undefined || got === diffId) return
  throw new OcibakeError(
    'DIFF_ID_MISMATCH',
    `The layer ${descriptor.digest} unpacks to ${got}; the config says ${diffId}.`,
    { hint: 'The image is inconsistent: whoever made it has to push it again.' },
  )
}
