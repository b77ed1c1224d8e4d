import { OcibakeError } from '../errors.ts'
import { type ByteString, display } from './name.ts'

export const WHITEOUT_PREFIX = '.wh.'
export const OPAQUE_NAME = '.wh..wh..opq'
const META_PREFIX = '.wh..wh.'

/** What the names of a layer's member mean: an ordinary node, a mark, or something that belongs to aufs alone. */
export type Meaning =
  | { readonly kind: 'node' }
  | { readonly kind: 'whiteout'; readonly name: ByteString }
  | { readonly kind: 'opaque' }
  | { readonly kind: 'aufs' }

const NODE: Meaning = { kind: 'node' }

/**
 * Reads the marks that image-spec layer.md ("Whiteouts") puts into names, whatever the member's type: old aufs layers
 * have whiteouts that are hard links. Other names of aufs (`.wh..wh.plnk` …), and what is inside them, mean nothing.
 * @throws LAYER_INVALID for a whiteout of '', '.' or '..', and for members inside a whiteout
 */
export function meaningOf(names: readonly ByteString[]): Meaning {
  const marked = names.findIndex((name) => name.startsWith(WHITEOUT_PREFIX))
  if (marked < 0) return NODE
  const mark = names[marked]!
  const last = marked === names.length - 1
  if (mark === OPAQUE_NAME && last) return { kind: 'opaque' }
  if (mark !== OPAQUE_NAME && mark.startsWith(META_PREFIX)) return { kind: 'aufs' }
  const name = mark.slice(WHITEOUT_PREFIX.length)
  if (last && name !== '' && name !== '.' && name !== '..') return { kind: 'whiteout', name }
  const path = display(names.join('/'))
  throw new OcibakeError('LAYER_INVALID', `The layer has the member '${path}', a whiteout of nothing that can exist.`)
}
