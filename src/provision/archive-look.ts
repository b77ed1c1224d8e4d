import { display, fromBytes } from '../oci/name.ts'

const MAGIC: readonly (readonly [RegExp, string])[] = [
  [/^(\xef\xbb\xbf)?\s*<(!doctype html|html|head)/i, 'an HTML page'],
  [/^(\xef\xbb\xbf)?\s*<\?xml/i, 'an XML document'],
  [/^\s*[{[]\s*["\]}{[]/, 'a JSON document'],
  [/^PK\x03\x04/, 'a zip file'],
  [/^7z\xbc\xaf\x27\x1c/, 'a 7z file'],
  [/^Rar!/, 'a RAR file'],
  [/^!<arch>\n/, 'an ar archive, as Debian packages are'],
  [/^\xed\xab\xee\xdb/, 'an RPM package'],
  [/^07070[127]/, 'a cpio archive'],
  [/^\x7fELF/, 'a program'],
  [/^#!/, 'a script'],
  [/^LZIP|^\x04\x22\x4d\x18|^\x5d\0\0|^\x1f\x9d/, 'data of an unknown compression'],
  [/^version https:\/\/git-lfs/, 'a Git LFS pointer, not the file'],
]

/** What bytes that are no tar archive look like, from the first few hundred: for a message. */
export function lookOf(head: Uint8Array): string {
  if (head.byteLength === 0) return 'nothing: it is empty'
  const text = fromBytes(head)
  const kind = MAGIC.find(([pattern]) => pattern.test(text))?.[1]
  const isText = /^[\t\n\r\x20-\x7e\x80-\xff]*$/.test(text)
  const start = display(text.slice(0, 40))
  if (kind !== undefined) return isText ? `${kind}: '${start}…'` : kind
  return isText ? `text: '${start}…'` : 'binary data'
}
