import { type ByteString, toBytes } from '../oci/name.ts'
import { SecretPatterns } from './secret-search.ts'
import type { SecretValue } from './secret-values.ts'

/** Stands in messages for what is not told; in a pattern of names it stands for any characters. */
export const HIDDEN = '***'

/**
 * What makes a path fit for a message: values of credentials in it, however written, and keys that are known by their
 * looks are `***`. Slashes stay, so that what comes back is a pattern for the same path.
 */
export function withoutSecrets(values: readonly SecretValue[]): (path: ByteString) => ByteString {
  const patterns = new SecretPatterns(values, 'news')
  return (path) => {
    const isSecret = new Uint8Array(path.length)
    for (const [start, end] of [...valuesIn(path, patterns), ...keysIn(path, patterns)]) isSecret.fill(1, start, end)
    let shown = ''
    for (const [at, byte] of [...path].entries()) {
      if (isSecret[at] === 0 || byte === '/') shown += byte
      else if (isSecret[at - 1] !== 1 || path[at - 1] === '/') shown += HIDDEN
    }
    return shown
  }
}

type Span = readonly [start: number, end: number]

function* valuesIn(path: ByteString, { table, needles }: SecretPatterns): Generator<Span> {
  for (const { needle: number, at } of table.search(toBytes(path), 0, path.length)) {
    const needle = needles[number]
    if (needle === undefined) continue
    const end = at + needle.bytes.byteLength
    // The characters beside it have some bits of it.
    const beside = needle.form === 'base64' ? 1 : 0
    yield [Math.max(0, at - beside), end + beside]
  }
}

/** Of the names of a path, those from a key on; an id of AWS may stand behind its secret. */
function* keysIn(path: ByteString, { table, needles, formats }: SecretPatterns): Generator<Span> {
  let start = 0
  for (const name of path.split('/')) {
    for (const { needle: number, at } of table.search(toBytes(name), 0, name.length)) {
      const format = formats[number - needles.length]
      if (format?.isKey(name, at)) yield [format.kind === 'aws-key' ? start : start + at, start + name.length]
    }
    start += name.length + 1
  }
}
