/**
 * File names as the kernel has them: bytes. A `ByteString` is a JavaScript string whose every character is one byte
 * (0..255, "latin1"), so that any name survives exactly, a name can be a Map key, and sorting strings sorts bytes.
 * For ASCII names it reads as the text itself. Paths are names joined by '/', without a leading one; '' is the root.
 */
export type ByteString = string

/** The bytes of a text in UTF-8, as a ByteString: for names that a user typed. */
export function fromText(text: string): ByteString {
  return isAscii(text) ? text : Buffer.from(text, 'utf8').toString('latin1')
}

export function fromBytes(bytes: Uint8Array): ByteString {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1')
}

export function toBytes(name: ByteString): Buffer {
  return Buffer.from(name, 'latin1')
}

/** The text of a name if its bytes are valid UTF-8, else undefined. */
export function toText(name: ByteString): string | undefined {
  if (isAscii(name)) return name
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(toBytes(name))
  } catch {
    return undefined
  }
}

/** A name fit for a terminal or a log: control characters and bytes that are no UTF-8 appear as `\n`, `\x1b`, `\xff`. */
export function display(name: ByteString): string {
  const text = toText(name)
  return text === undefined ? escaped(name, /[\x00-\x1f\x7f-\xff\\]/g) : escaped(text, /[\x00-\x1f\x7f-\x9f\\]/g)
}

function escaped(text: string, unsafe: RegExp): string {
  return text.replace(unsafe, (c) => {
    if (c === '\\') return '\\\\'
    if (c === '\n') return '\\n'
    return `\\x${c.charCodeAt(0).toString(16).padStart(2, '0')}`
  })
}

function isAscii(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 0x7f) return false
  return true
}
