import { SliceFile } from '../oci/content.ts'
import { type Digest, digestOf } from '../oci/digest.ts'
import type { FileRun } from './file-runs.ts'

/** Archives of the store, to be searched as they are: what is in none of them is in no file of theirs. */
export interface WholeArchives {
  /** Stands for just these archives. */
  readonly what: Digest
  /** One for each. */
  readonly runs: readonly FileRun[]
  /** Whether they are what their digests say: looks at what nobody has looked at. */
  isRight(): boolean
}

/** The archives as such; undefined when there is none, or one that may change or of which nobody knows what it was. */
export function wholeArchives(archives: ReadonlySet<unknown>): WholeArchives | undefined {
  const digests: Digest[] = []
  const sizes: [file: SliceFile, size: number][] = []
  for (const file of archives) {
    if (!(file instanceof SliceFile) || file.digest === undefined || file.guard === undefined) return undefined
    digests.push(file.digest)
    sizes.push([file, file.guard.size])
  }
  if (digests.length === 0) return undefined
  const runs = sizes.map(([{ descriptor, digest }, size], i): FileRun => {
    const source = { kind: 'descriptor', descriptor, digest } as const
    return { source, starts: Float64Array.of(0), ends: Float64Array.of(size), files: Uint32Array.of(i) }
  })
  return {
    what: digestOf(`archives\n${digests.sort().join('\n')}`),
    runs,
    isRight: () => sizes.every(([file, size]) => file.isRight(0, size)),
  }
}
