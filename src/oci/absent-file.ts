import { SliceFile } from './content.ts'
import type { Digest } from './digest.ts'

/** Somebody wants bytes of a layer of which only the names, attributes and sizes are here. */
export class ContentsAbsent extends Error {
  constructor(options?: ErrorOptions) {
    super('the contents of a layer are not here', options)
  }

  /** Whether that is what an error comes of. */
  static isIn(error: unknown): boolean {
    for (let at = error; at instanceof Error; at = at.cause) if (at instanceof ContentsAbsent) return true
    return false
  }
}

/** In place of the raw tar of a layer that is not in the store: whoever reads a slice of it gets ContentsAbsent. */
export class AbsentFile extends SliceFile {
  constructor(diffId: Digest) {
    super(`absent ${diffId}`)
  }

  override get descriptor(): number {
    throw new ContentsAbsent()
  }
}
